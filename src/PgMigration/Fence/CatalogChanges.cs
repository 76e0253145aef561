using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>
/// What was made, changed or dropped in a database since a moment behind its fence. An owner needs no right for that: a session that overrides
/// the read-only default can grant itself what the fence took, and whatever it does the target will not have.
/// </summary>
/// <remarks>
/// PostgreSQL gives every transaction that writes a number, and a snapshot names those that have ended: while it is the same, nobody has
/// written anything. Otherwise the rows of the catalog tell: what was made or changed carries the number of its transaction, and of what
/// was dropped there are fewer. Temporary objects travel nowhere and do not count. Source: the manual's pages on txid_snapshot and on system columns.
/// </remarks>
internal static class CatalogChanges
{
    private const string IsTemporary = "nspname ~ '^pg_(toast_)?temp_'";

    // "Quiet": one transaction between fence and mark, which wrote the mark, and none since. Nobody else's was open either time.
    private const string QuietSql = """
        select txid_current_snapshot()::text = @marked and txid_snapshot_xmin(marked) = txid_snapshot_xmax(marked) and txid_snapshot_xmin(@fenced::txid_snapshot) = txid_snapshot_xmax(marked) - 1
        from (select @marked::txid_snapshot as marked) m
        """;

    // Rows frozen long ago still show their old number, which looks to come from the future once two billion others followed: an age below
    // zero is theirs.
    private const string FindSql = $"""
        with since as (
            select s.snapshot, txid_snapshot_xmax(s.snapshot) + m.age as next, m.age + (txid_snapshot_xmax(s.snapshot) - txid_snapshot_xmin(s.snapshot)) as reach
            from (select @fenced::txid_snapshot as snapshot) s, lateral (select age((txid_snapshot_xmax(s.snapshot) % 4294967296)::text::xid) as age) m)
        select what from (
            select format('%s %s', case relkind when 'i' then 'index' when 'S' then 'sequence' else 'relation' end, oid::regclass) as what, xmin as number, oid as relation, relnamespace as space from pg_class
            union all select format('column %I of %s', attname, attrelid::regclass), xmin, attrelid, 0 from pg_attribute
            union all select format('large object %s', oid), xmin, 0, 0 from pg_largeobject_metadata
            union all select format('function %s', oid::regprocedure), xmin, 0, pronamespace from pg_proc
            union all select format('type %s', oid::regtype), xmin, 0, typnamespace from pg_type
            union all select format('value %L of type %s', enumlabel, enumtypid::regtype), xmin, 0, 0 from pg_enum
            union all select format('a default of %s', adrelid::regclass), xmin, adrelid, 0 from pg_attrdef
            union all select format('constraint %I', conname), xmin, conrelid, connamespace from pg_constraint
            union all select format('trigger %I of %s', tgname, tgrelid::regclass), xmin, tgrelid, 0 from pg_trigger
            union all select format('rule %I of %s', rulename, ev_class::regclass), xmin, ev_class, 0 from pg_rewrite
            union all select format('policy %I of %s', polname, polrelid::regclass), xmin, polrelid, 0 from pg_policy
            union all select format('sequence %s', seqrelid::regclass), xmin, seqrelid, 0 from pg_sequence
            union all select format('schema %I', nspname), xmin, 0, oid from pg_namespace
            union all select format('extension %I', extname), xmin, 0, 0 from pg_extension
            union all select format('database %I', datname), xmin, 0, 0 from pg_database where datname = current_database()) made
        where age(number) between 0 and (select reach from since) and not txid_visible_in_snapshot((select next from since) - age(number), (select snapshot from since))
          and not exists (select from pg_class c where c.oid = made.relation and c.relpersistence = 't')
          and not exists (select from pg_namespace n where n.oid = made.space and {IsTemporary})
        limit 10
        """;

    private static readonly (string Kind, string CountSql)[] Counted =
    [
        ("relation", "select count(*) from pg_class where relpersistence <> 't'"),
        ("large object", "select count(*) from pg_largeobject_metadata"),
        ("function", "select count(*) from pg_proc where pronamespace <> all (temporary)"),
        ("type", "select count(*) from pg_type where typnamespace <> all (temporary)"),
        ("constraint", "select count(*) from pg_constraint where connamespace <> all (temporary)"),
        ("trigger", "select count(*) from pg_trigger where not exists (select from pg_class c where c.oid = tgrelid and c.relpersistence = 't')"),
        ("rule", "select count(*) from pg_rewrite where not exists (select from pg_class c where c.oid = ev_class and c.relpersistence = 't')"),
        ("policy", "select count(*) from pg_policy"),
        ("schema", "select count(*) from pg_namespace where oid <> all (temporary)"),
        ("extension", "select count(*) from pg_extension"),
    ];

    private static readonly string CountSql =
        $"select array[{string.Join(", ", Counted.Select(each => $"({each.CountSql})"))}] from (select array(select oid from pg_namespace where {IsTemporary}) as temporary) t";

    /// <summary>The transactions that have ended by now.</summary>
    public static Task<string> SnapshotAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.ScalarAsync<string>("select txid_current_snapshot()::text", cancel);

    /// <summary>How much of each kind there is.</summary>
    public static async Task<IReadOnlyList<long>> CountAsync(NpgsqlConnection session, CancellationToken cancel) => await session.ScalarAsync<long[]>(CountSql, cancel);

    /// <summary>Whether no transaction but the mark's own has written anything since the fence was proven.</summary>
    /// <param name="session">A session on the source.</param>
    /// <param name="fenced">The snapshot of the moment when the fence was proven.</param>
    /// <param name="marked">The snapshot behind the mark.</param>
    /// <param name="cancel">Ends it.</param>
    public static Task<bool> IsQuietAsync(NpgsqlConnection session, string fenced, string marked, CancellationToken cancel) =>
        session.ScalarAsync<bool>(QuietSql, cancel, new NpgsqlParameter<string>("fenced", fenced), new NpgsqlParameter<string>("marked", marked));

    /// <summary>What was made or changed since a snapshot; each in words, ten at most.</summary>
    public static Task<List<string>> FindAsync(NpgsqlConnection session, string fenced, CancellationToken cancel) =>
        session.RowsAsync(FindSql, row => row.GetString(0), cancel, new NpgsqlParameter<string>("fenced", fenced));

    /// <summary>What there is less of; each in words.</summary>
    public static List<string> Gone(IReadOnlyList<long> before, IReadOnlyList<long> now) =>
        [.. Counted.Select((each, place) => (each.Kind, Count: before[place] - now[place])).Where(each => each.Count > 0)
            .Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Count:N0} {each.Kind}{(each.Count > 1 ? "s" : string.Empty)}"))];
}
