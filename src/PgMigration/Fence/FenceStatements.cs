namespace PgMigration;

/// <summary>The SQL that raises a fence, and the SQL that lifts it: both from the same record.</summary>
internal static class FenceStatements
{
    /// <summary>Takes away every right of the record and sets the read-only defaults.</summary>
    /// <remarks>Revoking a right on a table takes the same right on its columns too; a grantee who has only a column's is named here as well.</remarks>
    public static IEnumerable<string> Raise(FenceRecord record) =>
        record.Grants
            .GroupBy(grant => (grant.Kind, grant.Owner))
            .Select(group => $"REVOKE {RevokedFrom(group.Key.Kind)} ON {group.Key.Kind} {string.Join(", ", group.SelectMany(grant => grant.Objects).Distinct())} FROM {string.Join(", ", group.Select(grant => grant.Grantee ?? "PUBLIC").Distinct())} CASCADE")
            .Concat(record.Settings.Select(setting => $"ALTER {TargetOf(setting, record)} SET default_transaction_read_only = {setting.Value}"));

    /// <summary>Gives back every right and setting of the record, each by the one who gave it, in an order in which they had it to give.</summary>
    /// <exception cref="MigrationException"><c>FenceNotLiftable</c>: a right whose grantor got his own from nobody in the record.</exception>
    public static IEnumerable<string> Lift(FenceRecord record) =>
        record.Settings.Select(setting => setting.Before is null
            ? $"ALTER {TargetOf(setting, record)} RESET default_transaction_read_only"
            : $"ALTER {TargetOf(setting, record)} SET default_transaction_read_only = '{setting.Before.Replace("'", "''", StringComparison.Ordinal)}'")
        .Concat(InOrder(record.Grants).SelectMany(Give));

    private static string[] Give(FencedGrant grant)
    {
        string privileges = string.Join(", ", grant.Privileges.Select(privilege => grant.Column is null ? privilege : $"{privilege} ({grant.Column})"));
        string option = grant.Grantable && grant.Grantee != grant.Owner ? " WITH GRANT OPTION" : string.Empty;
        string give = $"GRANT {privileges} ON {grant.Kind} {string.Join(", ", grant.Objects)} TO {grant.Grantee ?? "PUBLIC"}{option}";
        return grant.Grantor == grant.Owner ? [give] : [$"SET LOCAL ROLE {grant.Grantor}", give, "RESET ROLE"];
    }

    // Owners first, then those who had it from somebody already served, and so on: grants form chains.
    private static List<FencedGrant> InOrder(IReadOnlyList<FencedGrant> grants)
    {
        var ordered = grants.Where(grant => grant.Grantor == grant.Owner).ToList();
        var waiting = grants.Where(grant => grant.Grantor != grant.Owner).ToList();
        while (waiting.Count > 0)
        {
            var ready = waiting.Where(grant => grant.Objects.All(item => grant.Privileges.All(privilege => ordered.Any(given =>
                given.Grantable && given.Grantee == grant.Grantor && given.Kind == grant.Kind && given.Privileges.Contains(privilege)
                && (given.Column is null || given.Column == grant.Column) && given.Objects.Contains(item))))).ToList();
            if (ready.Count == 0)
            {
                throw new MigrationException("FenceNotLiftable", MigrationErrorKind.InvalidOperation,
                    $"{waiting[0].Grantor} granted {string.Join("/", waiting[0].Privileges)} on {waiting[0].Objects[0]}, but no grant option of his is on record: the fence could not give it back.");
            }

            ordered.AddRange(ready);
            waiting = [.. waiting.Except(ready)];
        }

        return ordered;
    }

    private static string RevokedFrom(string kind) => kind switch
    {
        "TABLE" => "INSERT, UPDATE, DELETE, TRUNCATE",
        "SEQUENCE" => "USAGE, UPDATE",
        "LARGE OBJECT" => "UPDATE",
        "ROUTINE" => "EXECUTE",
        _ => "CREATE",
    };

    private static string TargetOf(FencedSetting setting, FenceRecord record) =>
        setting.Role is null ? $"DATABASE {record.Database}" : $"ROLE {setting.Role} IN DATABASE {record.Database}";
}
