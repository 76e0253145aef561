using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>
/// What makes a database refuse the app's writes, and proves that it does: rights revoked, read-only defaults set, sessions from before
/// ended, transactions from before waited out. All of it lives in the catalog, so it holds when we die, and travels to a physical target.
/// </summary>
/// <remarks>
/// No table is locked and nobody waits for us: a transaction that had a table locked when its right was revoked may write once more, and
/// is ended or waited out before the mark is set, so that whatever it commits lies before the mark. What each layer is for, and how it
/// fails alone, is in docs/how-the-first-leg-works.md.
/// </remarks>
public static class SourceFence
{
    private static readonly string[] Writes = ["TABLE", "SEQUENCE", "LARGE OBJECT"];

    /// <summary>What this login could not fence, each in a sentence with what to do; empty when nothing stands in the way. Changes nothing.</summary>
    public static async Task<IReadOnlyList<string>> FindObstaclesAsync(NpgsqlConnection session, CancellationToken cancel = default)
    {
        var obstacles = new List<string>();
        foreach (var (grant, _) in (await WriteRights.ReadAsync(session, cancel)).Where(right => !right.Ours && Writes.Contains(right.Grant.Kind)))
        {
            obstacles.Add($"{grant.Grantee ?? "PUBLIC"} may {string.Join("/", grant.Privileges)} {Shorten(grant.Objects)} (owner {grant.Owner}, granted by {grant.Grantor}), which this login cannot revoke. Run as its owner or a superuser: GRANT {grant.Owner} TO CURRENT_LOGIN, or revoke it before the cutover.");
        }

        // Members of pg_write_all_data (14+) write whatever the lists say.
        obstacles.AddRange(await session.RowsAsync("""
            select format('Role %I is a member of pg_write_all_data, whose right no revocation takes away. Run: REVOKE pg_write_all_data FROM %I', rolname, rolname)
            from pg_roles
            where not rolsuper and rolname <> 'pg_write_all_data' and exists (select from pg_roles where rolname = 'pg_write_all_data')
              and pg_has_role(oid, (select oid from pg_roles where rolname = 'pg_write_all_data'), 'MEMBER')
            """, row => row.GetString(0), cancel));
        obstacles.AddRange(await FindPreparedAsync(session, cancel));
        return obstacles;
    }

    /// <summary>Reads what a fence will change. Nothing is changed yet, so that the record can be journalled before it is.</summary>
    public static async Task<FenceRecord> ReadAsync(NpgsqlConnection session, CancellationToken cancel = default)
    {
        var grants = (await WriteRights.ReadAsync(session, cancel)).Where(right => right.Ours).Select(right => right.Grant).ToList();
        var settings = await session.RowsAsync("""
            select t.role, (select split_part(c, '=', 2) from pg_db_role_setting s cross join lateral unnest(s.setconfig) c
                            where s.setdatabase = d.oid and s.setrole = t.setrole and c like 'default\_transaction\_read\_only=%')
            from pg_database d
            cross join lateral (select null::text as role, 0::oid as setrole where pg_has_role(d.datdba, 'USAGE')
                                union all select quote_ident(rolname), oid from pg_roles where rolname = current_user) t
            where d.datname = current_database()
            """, row => new FencedSetting(row.TextOrNull(0), row.TextOrNull(1)), cancel);
        return new FenceRecord(await session.ScalarAsync<string>("select quote_ident(current_database())", cancel), grants, settings);
    }

    /// <summary>Takes the rights away and sets the read-only defaults, in one transaction; safe to repeat.</summary>
    public static async Task RaiseAsync(NpgsqlConnection session, FenceRecord record, CancellationToken cancel = default)
    {
        var statements = record.Grants
            .Where(grant => grant.Column is null || !record.Grants.Any(whole => whole.Column is null && whole.Kind == grant.Kind && whole.Objects.Contains(grant.Objects[0])))
            .GroupBy(grant => (grant.Kind, grant.Owner))
            .Select(group => $"REVOKE {RevokedFrom(group.Key.Kind)} ON {group.Key.Kind} {string.Join(", ", group.SelectMany(grant => grant.Objects).Distinct())} FROM {string.Join(", ", group.Select(grant => grant.Grantee ?? "PUBLIC").Distinct())} CASCADE")
            .Concat(record.Settings.Select(setting => $"ALTER {TargetOf(setting, record)} SET default_transaction_read_only = on"));
        await CommitAsync(session, statements, cancel);
    }

    /// <summary>Gives back what the fence took, on the source or on a target that inherited it; safe to repeat.</summary>
    public static async Task LiftAsync(NpgsqlConnection session, FenceRecord record, CancellationToken cancel = default)
    {
        var settings = record.Settings.Select(setting => setting.Before is null
            ? $"ALTER {TargetOf(setting, record)} RESET default_transaction_read_only"
            : $"ALTER {TargetOf(setting, record)} SET default_transaction_read_only = {(setting.Before is "on" or "off" ? setting.Before : $"'{setting.Before.Replace("'", "''", StringComparison.Ordinal)}'")}");
        var grants = record.Grants
            .OrderBy(grant => grant.Grantor != grant.Owner) // who granted on got it from the owner first
            .SelectMany(grant =>
            {
                string to = grant.Grantee is null ? "PUBLIC" : grant.Grantee;
                string privileges = string.Join(", ", grant.Privileges.Select(privilege => grant.Column is null ? privilege : $"{privilege} ({grant.Column})"));
                string give = $"GRANT {privileges} ON {grant.Kind} {string.Join(", ", grant.Objects)} TO {to}{(grant.Grantable && grant.Grantee != grant.Owner ? " WITH GRANT OPTION" : string.Empty)}";
                return grant.Grantor == grant.Owner ? [give] : new[] { $"SET LOCAL ROLE {grant.Grantor}", give, "RESET ROLE" };
            });
        await CommitAsync(session, settings.Concat(grants), cancel);
    }

    /// <summary>
    /// Proves that the raised fence holds: ends the sessions from before it, waits out transactions that this login cannot end, and then looks
    /// for a right that is left, a prepared transaction, and has a write refused in a new session. Returns what was seen.
    /// </summary>
    /// <exception cref="MigrationException"><c>FenceIncomplete</c>: who can still write, and the command for somebody who may end them.</exception>
    public static async Task<string> ProveAsync(CutoverContext context, FenceRecord record, CancellationToken cancel = default)
    {
        var session = await context.SourceSessionAsync(cancel);
        int ended = await SessionsFromBefore.EndAsync(session, context.OwnSourcePids, context.Options.FenceTimeout, cancel);

        var left = (await WriteRights.ReadAsync(session, cancel)).Where(right => Writes.Contains(right.Grant.Kind)).ToList();
        if (left.Count > 0)
        {
            throw Incomplete($"{left[0].Grant.Grantee ?? "PUBLIC"} may still {string.Join("/", left[0].Grant.Privileges)} {Shorten(left[0].Grant.Objects)}.");
        }

        // Only now: COMMIT PREPARED is a write that neither a right nor a read-only default refuses.
        if (await FindPreparedAsync(session, cancel) is [var prepared, ..])
        {
            throw Incomplete(prepared);
        }

        string canary = await RefuseCanaryAsync(context.Source, record, cancel);
        return string.Create(CultureInfo.InvariantCulture, $"no right to write left, {ended} sessions ended, nothing prepared, {canary}");
    }

    private static async Task<IReadOnlyList<string>> FindPreparedAsync(NpgsqlConnection session, CancellationToken cancel) =>
        await session.RowsAsync("""
            select format('Transaction %L is prepared since %s by %s. Decide it: COMMIT PREPARED %L or ROLLBACK PREPARED %L', gid, prepared::timestamptz(0), owner, gid, gid)
            from pg_prepared_xacts where database = current_database() order by prepared
            """, row => row.GetString(0), cancel);

    // A new session of the app's own login, with nothing of ours: it must begin read-only, and be refused even when it overrides that.
    private static async Task<string> RefuseCanaryAsync(PgServer source, FenceRecord record, CancellationToken cancel)
    {
        await using var canary = await source.ConnectAsync(cancel);
        if (record.Settings.Count > 0 && await canary.ScalarAsync<string>("show default_transaction_read_only", cancel) != "on")
        {
            throw Incomplete($"A new session of {source.User} does not begin read-only: another setting beats the database's. See: SELECT * FROM pg_db_role_setting.");
        }

        string? table = record.Grants.FirstOrDefault(grant => grant.Kind == "TABLE" && grant.Column is null && grant.Privileges.Contains("DELETE"))?.Objects[0];
        if (table is null)
        {
            return "a new session begins read-only (there is no table to try)";
        }

        try
        {
            await canary.ExecuteAsync($"begin read write; delete from {table} where false; rollback", cancel);
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction)
        {
            return $"a write to {table} in a new session was refused ({error.SqlState})";
        }

        throw Incomplete($"A new session of {source.User} could still write to {table}.");
    }

    private static async Task CommitAsync(NpgsqlConnection session, IEnumerable<string> statements, CancellationToken cancel)
    {
        string script = string.Join(";\n", statements.Prepend("begin").Append("commit"));
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await session.ExecuteAsync(script, cancel);
                return;
            }
            catch (PostgresException error) when (attempt < 5 && error.IsTransient || attempt < 5 && error.SqlState is "XX000" or PostgresErrorCodes.LockNotAvailable)
            {
                // Somebody changed the same catalog row (an ANALYZE, another GRANT): "tuple concurrently updated", and the next try passes.
                await session.ExecuteAsync("rollback", cancel);
            }
            catch (PostgresException)
            {
                await session.ExecuteAsync("rollback", CancellationToken.None);
                throw;
            }
        }
    }

    private static string RevokedFrom(string kind) => kind switch
    {
        "TABLE" => "INSERT, UPDATE, DELETE, TRUNCATE",
        "SEQUENCE" => "USAGE, UPDATE",
        "LARGE OBJECT" => "UPDATE",
        _ => "CREATE",
    };

    private static string TargetOf(FencedSetting setting, FenceRecord record) =>
        setting.Role is null ? $"DATABASE {record.Database}" : $"ROLE {setting.Role} IN DATABASE {record.Database}";

    private static string Shorten(IReadOnlyList<string> objects) =>
        objects.Count <= 3 ? string.Join(", ", objects) : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", objects.Take(3))} and {objects.Count - 3} more");

    internal static MigrationException Incomplete(string reason) => new("FenceIncomplete", MigrationErrorKind.PermissionDenied, reason);
}
