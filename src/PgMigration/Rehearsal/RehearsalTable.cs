namespace PgMigration;

/// <summary>A table that the rehearsal's app writes: its ids come from the server, its tokens from the app.</summary>
/// <remarks>Tokens have no unique index on purpose: a row that was applied twice must be able to show itself.</remarks>
/// <param name="Name">The table as SQL names it: schema and quotes included.</param>
/// <param name="IdColumn">The column filled by a sequence, as SQL names it.</param>
/// <param name="IdType">How it gets its ids: <c>serial</c>, <c>bigserial</c> or an identity clause.</param>
public sealed record RehearsalTable(string Name, string IdColumn, string IdType)
{
    /// <summary>The app's tables: a serial, an identity, and a name with quotes and capitals.</summary>
    public static IReadOnlyList<RehearsalTable> All { get; } =
    [
        new("public.app_order", "id", "serial"),
        new("shop.payment", "id", "bigint GENERATED ALWAYS AS IDENTITY"),
        new("public.\"Odd \"\"Name\"\"\"", "\"Id\"", "bigserial"),
    ];

    internal string CreateStatement =>
        $"CREATE TABLE {Name} ({IdColumn} {IdType} PRIMARY KEY, token bigint NOT NULL, writer int NOT NULL, note text, at timestamptz NOT NULL DEFAULT clock_timestamp())";

    /// <summary>An insertion that says which server took it: by its port, since two servers on one machine share all else, and its timeline.</summary>
    internal string InsertStatement(string token, string writer, string note) =>
        $"INSERT INTO {Name} (token, writer, note) VALUES ({token}, {writer}, {note}) RETURNING {IdColumn}::bigint, current_setting('port')::int, substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)";
}
