namespace PgMigration;

/// <summary>Whether the updates and deletes of a table say in the WAL which row they are about: what does not cannot be moved, and DMS says nothing.</summary>
/// <remarks>Source: PostgreSQL's src/backend/utils/cache/relcache.c, RelationGetIndexList: only a key that is checked at once, and an index that is there, identify a row.</remarks>
internal static class RowIdentity
{
    /// <summary>Its identity was set to nothing.</summary>
    public const string Nothing = "nothing";

    /// <summary>The index that it names was dropped, which leaves nothing.</summary>
    public const string IndexGone = "index gone";

    /// <summary>Its primary key is deferrable, and such a one identifies nothing.</summary>
    public const string DeferrableKey = "deferrable key";

    /// <summary>It has no primary key.</summary>
    public const string NoKey = "no key";

    /// <summary>What is missing, by <c>pg_class c</c>, as an expression of SQL: one of the words here; null when nothing is.</summary>
    public const string Gap = $"""
        (case when c.relreplident = 'n' then '{Nothing}'
              when c.relreplident = 'i' and not exists (select from pg_index ri where ri.indrelid = c.oid and ri.indisreplident and ri.indisvalid) then '{IndexGone}'
              when c.relreplident = 'd' and not exists (select from pg_index ri where ri.indrelid = c.oid and ri.indisprimary and ri.indisvalid and ri.indimmediate)
              then case when exists (select from pg_index ri where ri.indrelid = c.oid and ri.indisprimary) then '{DeferrableKey}' else '{NoKey}' end end)
        """;

    /// <summary>The tables whose rows cannot be found although they have, or name, what finds them: a slip rather than a choice. Each with the statement that mends it.</summary>
    public static async Task<IReadOnlyList<string>> FindSlipsAsync(Npgsql.NpgsqlConnection source, string[] tables, CancellationToken cancel) => await source.RowsAsync($"""
        select name, gap, has_key from (
            select format('%I.%I', n.nspname, c.relname) as name, {Gap} as gap, exists (select from pg_index k where k.indrelid = c.oid and k.indisprimary) as has_key
            from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and format('%s.%s', n.nspname, c.relname) = any (@tables)) t
        where gap is not null and (has_key or gap = '{IndexGone}') order by 1
        """, row => Mend(row.GetString(0), row.GetString(1), row.GetBoolean(2)), cancel, new Npgsql.NpgsqlParameter<string[]>("tables", tables));

    /// <summary>Why, and the statement that mends it.</summary>
    /// <param name="table">The table's quoted name.</param>
    /// <param name="gap">One of the words above.</param>
    /// <param name="hasKey">Whether it has a primary key.</param>
    public static string Mend(string table, string gap, bool hasKey) => gap switch
    {
        DeferrableKey => $"{table} has only a deferrable primary key: ALTER TABLE {table} REPLICA IDENTITY FULL",
        IndexGone => $"{table} names an index that was dropped: ALTER TABLE {table} REPLICA IDENTITY {(hasKey ? "DEFAULT" : "FULL")}",
        _ => $"{table} has REPLICA IDENTITY NOTHING: ALTER TABLE {table} REPLICA IDENTITY DEFAULT",
    };
}
