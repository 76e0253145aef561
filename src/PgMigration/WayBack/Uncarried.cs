using Npgsql;

namespace PgMigration;

/// <summary>What the way back does not carry, and whether anybody has written to it since the target was opened: then going back would lose that.</summary>
/// <remarks>
/// The counts of writes that the promoted target had before it was opened prove that nobody has, while they are the same: they are kept in the
/// journal. A crash forgets them, a reset too, and then they prove nothing: the old server, fenced since, still has it all as it was, so both
/// servers are compared. What cannot be compared in time is not known to be the same, and counts as lost.
/// </remarks>
internal static class Uncarried
{
    private const string LargeObjects = "pg_catalog.pg_largeobject";
    private const int StatementSeconds = 20;

    /// <summary>The target's counts of writes to all of it, as they are now; empty where they prove nothing.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> CountAsync(NpgsqlConnection target, WayBackRecord record, CancellationToken cancel) =>
        await TableWrites.ReadAsync(target, [.. record.LeftOut, LargeObjects], cancel);

    /// <summary>Each thing that going back would lose, or may, in a few words; empty when nothing would be lost.</summary>
    public static async Task<IReadOnlyList<string>> FindLossesAsync(CutoverContext context, CancellationToken cancel)
    {
        var record = context.Facts.WayBack!;
        await using var there = await context.Target.ConnectAsync(ComparedTable.SessionSettings, StatementSeconds, cancel);
        await using var here = await context.Source.ConnectAsync(ComparedTable.SessionSettings, StatementSeconds, cancel);
        var known = record.Tables.Concat(record.LeftOut).ToHashSet(StringComparer.Ordinal);
        var (tables, _, leftOut) = await WayBack.ReadTablesAsync(there, cancel);
        var losses = tables.Concat(leftOut).Where(table => !known.Contains(table)).Select(table => $"{table} (created since)").ToList();
        var now = await CountAsync(there, record, cancel);
        bool IsUntouched(string name) => record.Counts is { } before && before.TryGetValue(name, out string? count) && now.TryGetValue(name, out string? again) && count == again;
        foreach (var (name, quoted) in (await NamesAsync(there, record, cancel)).Where(each => !IsUntouched(each.Value)))
        {
            var table = await ComparedTable.FindAsync(there, [name], cancel);
            await AddAsync(losses, quoted, async session => table is [var one] ? (await one.SumAsync(session, withVersions: false, cancel)).ToString() : "dropped", here, there);
        }

        const string Which = "select concat_ws(' ', count(*), sum(hashint8extended(oid::bigint, 0)::numeric)) from pg_largeobject_metadata";
        int before = losses.Count;
        await AddAsync(losses, "large objects", session => session.ScalarAsync<string>(Which, cancel), here, there);
        if (losses.Count == before && !IsUntouched(LargeObjects))
        {
            const string Contents = "select concat_ws(' ', count(*), sum(hashtextextended(concat_ws(' ', loid, pageno, md5(data)), 0)::numeric)) from pg_largeobject";
            await AddAsync(losses, "large objects", session => session.ScalarAsync<string>(Contents, cancel), here, there);
        }

        return losses;
    }

    private static async Task AddAsync(List<string> losses, string what, Func<NpgsqlConnection, Task<string>> sum, NpgsqlConnection here, NpgsqlConnection there)
    {
        try
        {
            if (await sum(here) != await sum(there))
            {
                losses.Add(what);
            }
        }
        catch (NpgsqlException error)
        {
            losses.Add($"{what} (not known: the counts of writes are of no use, as after a crash, and the two servers could not be compared: {Redaction.Of((error as PostgresException)?.MessageText ?? error.Message)})");
        }
    }

    // As comparing names them, with the names that SQL takes.
    private static async Task<Dictionary<string, string>> NamesAsync(NpgsqlConnection session, WayBackRecord record, CancellationToken cancel) =>
        (await session.RowsAsync("""
            select format('%s.%s', n.nspname, c.relname), format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind = 'r' and format('%I.%I', n.nspname, c.relname) = any (@names)
            """, row => (Name: row.GetString(0), Quoted: row.GetString(1)), cancel, new NpgsqlParameter<string[]>("names", [.. record.LeftOut]))).ToDictionary(row => row.Name, row => row.Quoted);
}
