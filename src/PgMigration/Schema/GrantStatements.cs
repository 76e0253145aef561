namespace PgMigration;

/// <summary>The statements of a dump's ACL entry, one a line as pg_dump writes them, and whom each is about.</summary>
internal static class GrantStatements
{
    /// <summary>Parts an entry into its statements. Who had granted it does not travel: only a superuser could speak for others.</summary>
    public static IReadOnlyList<(string Statement, string Role)> Of(string sql) =>
        [.. from line in sql.Split(";\n", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            let statement = line.TrimEnd(';')
            where !statement.StartsWith("SET SESSION AUTHORIZATION", StringComparison.Ordinal) && !statement.StartsWith("RESET SESSION AUTHORIZATION", StringComparison.Ordinal)
            select (statement, RoleOf(statement))];

    /// <summary>The role at the end of GRANT … TO role and REVOKE … FROM role, unquoted.</summary>
    private static string RoleOf(string statement)
    {
        const string Option = " WITH GRANT OPTION";
        string rest = statement.EndsWith(Option, StringComparison.Ordinal) ? statement[..^Option.Length] : statement;
        if (!rest.EndsWith('"'))
        {
            return rest[(rest.LastIndexOf(' ') + 1)..];
        }

        // back to the quote that opens it: one that is not doubled
        int at = rest.Length - 2;
        while (at > 0 && (rest[at] != '"' || rest[at - 1] == '"'))
        {
            at -= rest[at] == '"' ? 2 : 1;
        }

        return rest[(at + 1)..^1].Replace("\"\"", "\"", StringComparison.Ordinal);
    }
}
