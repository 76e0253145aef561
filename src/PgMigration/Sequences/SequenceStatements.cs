using System.Globalization;

namespace PgMigration;

/// <summary>The SQL that makes a sequence and ties it to its column.</summary>
internal static class SequenceStatements
{
    /// <summary>A name in double quotes, those within it doubled.</summary>
    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static string Create(SequenceState state) => $"CREATE SEQUENCE {state.QuotedName} AS {state.DataType} {Limits(state)}";

    /// <summary>Makes a sequence that no column will own, for those who insert into these columns: they call it with their own rights.</summary>
    public static IReadOnlyList<string> CreateFor(SequenceState state, IReadOnlyList<SequenceColumn> callers)
    {
        string[] roles = [.. callers.SelectMany(column => column.Inserters.Append(Quote(column.TableOwner))).Distinct(StringComparer.Ordinal)];
        return roles.Length == 0 ? [Create(state)] : [Create(state), Grant(state, roles)];
    }

    /// <summary>Ties a column to a sequence, which is made first unless it exists.</summary>
    public static IReadOnlyList<string> Attach(SequenceUse use, bool exists)
    {
        var (column, state) = (use.Column!, use.State!);
        bool isIdentity = use.Origin is SequenceOrigin.IdentityAlways or SequenceOrigin.IdentityByDefault;
        if (isIdentity && !exists && column.IsNotNull && state.Schema == column.Schema)
        {
            string kind = use.Origin == SequenceOrigin.IdentityAlways ? "ALWAYS" : "BY DEFAULT";
            return [$"ALTER TABLE {column.QuotedTable} ALTER COLUMN {column.QuotedName} ADD GENERATED {kind} AS IDENTITY (SEQUENCE NAME {state.QuotedName} {Limits(state)})"];
        }

        List<string> statements = exists ? [] : [Create(state)];
        statements.Add($"ALTER TABLE {column.QuotedTable} ALTER COLUMN {column.QuotedName} SET DEFAULT nextval('{state.QuotedName.Replace("'", "''", StringComparison.Ordinal)}'::regclass)");
        if (use.Origin != SequenceOrigin.Default)
        {
            // a table and the sequence that it owns must have one owner
            statements.Add($"ALTER SEQUENCE {state.QuotedName} OWNER TO {Quote(column.TableOwner)}");
            statements.Add($"ALTER SEQUENCE {state.QuotedName} OWNED BY {column.QuotedTable}.{column.QuotedName}");
        }

        if (column.Inserters.Count > 0)
        {
            // whoever inserts into the table takes from the sequence with his own rights
            statements.Add(Grant(state, column.Inserters));
        }

        return statements;
    }

    /// <summary>Several statements as one, which happens as a whole or not at all.</summary>
    public static string Block(IEnumerable<string> statements)
    {
        string body = string.Join(";\n", statements);
        string tag = "$pgm$";
        for (int i = 0; body.Contains(tag, StringComparison.Ordinal); i++)
        {
            tag = string.Create(CultureInfo.InvariantCulture, $"$pgm{i}$");
        }

        return $"DO {tag}BEGIN\n{body};\nEND{tag}";
    }

    private static string Grant(SequenceState state, IEnumerable<string> roles) => $"GRANT USAGE ON SEQUENCE {state.QuotedName} TO {string.Join(", ", roles)}";

    private static string Limits(SequenceState state) => string.Create(CultureInfo.InvariantCulture,
        $"INCREMENT BY {state.Increment} MINVALUE {state.Minimum} MAXVALUE {state.Maximum} START WITH {state.Start} CACHE {state.Cache} {(state.Cycles ? "CYCLE" : "NO CYCLE")}");
}
