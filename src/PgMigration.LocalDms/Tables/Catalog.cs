using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>Reads tables from a server's catalog, all in one query.</summary>
internal static class Catalog
{
    // relkind r: partitions are tables of their own, partitioned parents hold nothing. What the server itself and DMS keep is not moved.
    // A deferrable key is none: the server does not name old rows by it, and in an ordinary publication it would refuse the app's own updates.
    private const string Tables = """
        SELECT n.nspname, c.relname, c.relreplident::text, c.relpersistence = 'u',
               coalesce((SELECT array_agg(a.attname::text ORDER BY k.place) FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place), pg_attribute a
                         WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate AND a.attrelid = c.oid AND a.attnum = k.number), '{}'),
               EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident),
               c.oid::bigint
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relname !~ '^awsdms_(heartbeat|ddl_audit|apply_exceptions|suspended_tables|status|history|full_load_exceptions|validation_failures_v1|local_progress|local_tables)$'
          AND ($1::text[] IS NULL OR n.nspname = ANY ($1) AND (n.nspname, c.relname) IN (SELECT * FROM unnest($1::text[], $2::text[])))
        ORDER BY 1, 2
        """;

    private const string Columns = """
        SELECT a.attrelid::bigint, a.attname, format_type(b.oid, d.typmod),
               b.typname, b.typcategory = 'A',
               b.typtype IN ('b', 'r', 'm') AND b.oid < 16384 AND b.typname !~ '^(_?reg|_?aclitem$)' OR b.typtype = 'e',
               b.typname = 'numeric' AND d.typmod = -1,
               a.attnotnull OR d.typnotnull, a.attgenerated <> ''
        FROM pg_attribute a CROSS JOIN LATERAL (
            WITH RECURSIVE under AS (
                SELECT t.oid, t.typtype, t.typbasetype, a.atttypmod AS typmod, t.typtypmod, t.typnotnull FROM pg_type t WHERE t.oid = a.atttypid
                UNION ALL
                SELECT t.oid, t.typtype, t.typbasetype, u.typtypmod, t.typtypmod, u.typnotnull OR t.typnotnull FROM under u JOIN pg_type t ON t.oid = u.typbasetype WHERE u.typtype = 'd')
            SELECT oid, typmod, typnotnull FROM under WHERE typtype <> 'd') d JOIN pg_type b ON b.oid = d.oid
        WHERE a.attrelid = ANY ($1::bigint[]::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attrelid, a.attnum
        """;

    /// <summary>The tables of these names; null for all.</summary>
    public static async Task<List<TableDefinition>> ReadAsync(NpgsqlConnection connection, IReadOnlyCollection<TableName>? names, CancellationToken cancel)
    {
        var tables = await connection.ReadAsync(Tables, row => (
            Name: new TableName(row.GetString(0), row.GetString(1)),
            ReplicaIdentity: row.GetString(2),
            IsUnlogged: row.GetBoolean(3),
            Key: row.GetFieldValue<string[]>(4),
            HasIndex: row.GetBoolean(5),
            Id: row.GetInt64(6)), cancel, names?.Select(name => name.Schema).ToArray(), names?.Select(name => name.Table).ToArray());
        var columns = (await connection.ReadAsync(Columns, row => (
            Table: row.GetInt64(0),
            Column: new TableColumn(row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4), row.GetBoolean(5), row.GetBoolean(6), row.GetBoolean(7), row.GetBoolean(8))),
            cancel, tables.Select(table => table.Id).ToArray())).ToLookup(row => row.Table, row => row.Column);

        return [.. tables.Select(table => new TableDefinition(table.Name, [.. columns[table.Id]], table.Key, table.ReplicaIdentity switch
        {
            "f" => RowIdentity.All,
            "i" when table.HasIndex => RowIdentity.Key,
            "d" when table.Key.Length > 0 => RowIdentity.Key,
            _ => RowIdentity.None,
        }, table.IsUnlogged))];
    }
}
