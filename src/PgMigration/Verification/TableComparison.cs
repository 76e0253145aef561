using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Compares the rows of tables on two servers that stand still: whole ones as far as the time allows, the others by samples and by their newest rows.</summary>
/// <remarks>
/// A table that was the same before, and that nobody has written to since, is not read again. DMS's own validation has read meanwhile what is left, where it is on.
/// </remarks>
internal static class TableComparison
{
    /// <summary>Compares; returns how, in words.</summary>
    /// <param name="source">The server that rows come from.</param>
    /// <param name="target">The server they went to.</param>
    /// <param name="names">The tables, as <c>schema.table</c>.</param>
    /// <param name="budget">How long whole tables may take together.</param>
    /// <param name="ahead">What was found while the app still wrote.</param>
    /// <param name="observer">Is warned of what could not be compared.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="MigrationException"><c>DataDiffers</c>, naming the table and what differs.</exception>
    public static async Task<string> RunAsync(PgServer source, PgServer target, string[] names, TimeSpan budget, ComparedAhead ahead, IMigrationObserver observer, CancellationToken cancel)
    {
        await using var here = await source.ConnectAsync(ComparedTable.SessionSettings, cancel);
        await using var there = await target.ConnectAsync(ComparedTable.SessionSettings, cancel);
        string[] same = [.. ahead.Same.Values.Select(table => table.Quoted)];
        var (written, arrived) = (await TableWrites.ReadAsync(here, same, cancel), await TableWrites.ReadAsync(there, same, cancel));
        bool IsProven(string name) => ahead.Same.TryGetValue(name, out var before) && written.GetValueOrDefault(before.Quoted) == before.Source && arrived.GetValueOrDefault(before.Quoted) == before.Target;
        string[] open = [.. names.Where(name => !IsProven(name))];
        var tables = await ComparedTable.FindAsync(here, open, cancel);
        var pace = new ComparisonPace(budget, ahead.BytesPerSecond);
        int whole = 0, rows = 0;
        var skipped = new List<ComparedTable>();
        foreach (var table in tables)
        {
            observer.Progress(new MigrationProgress("Cutover", $"comparing {table}, {LagText.Of(table.Bytes)}"));
            if (await pace.TryAsync(table, token => CompareWholeAsync(here, there, table, token), cancel))
            {
                whole++;
            }
            else if (table.Key.Length > 0)
            {
                rows += await CompareSampleAsync(here, there, table, cancel);
            }
            else
            {
                skipped.Add(table);
            }
        }

        if (skipped.Count > 0)
        {
            observer.Warning(string.Create(CultureInfo.InvariantCulture, $"{skipped.Count} tables were not compared, having no primary key and being too large for the time: {string.Join(", ", skipped.Take(10))}. Give more with -CompareFor, or compare them afterwards."));
        }

        string[] said =
        [
            .. names.Length > open.Length ? (string[])[string.Create(CultureInfo.InvariantCulture, $"{names.Length - open.Length} tables the same before and not written to since")] : [],
            .. whole > 0 || tables.Count == 0 ? (string[])[string.Create(CultureInfo.InvariantCulture, $"{whole} tables the same as a whole")] : [],
            .. tables.Count > whole + skipped.Count ? (string[])[string.Create(CultureInfo.InvariantCulture, $"{tables.Count - whole - skipped.Count} by {rows:N0} of their rows")] : [],
        ];
        return string.Join(", ", said);
    }

    private static async Task<bool> CompareWholeAsync(NpgsqlConnection here, NpgsqlConnection there, ComparedTable table, CancellationToken cancel)
    {
        var (ours, theirs) = (table.SumAsync(here, false, cancel), table.SumAsync(there, false, cancel));
        await Task.WhenAll(ours, theirs);
        return (await ours).IsSameAs(await theirs) ? true : throw Differs(table, await ours, await theirs);
    }

    private static async Task<int> CompareSampleAsync(NpgsqlConnection here, NpgsqlConnection there, ComparedTable table, CancellationToken cancel)
    {
        var (ours, theirs) = (await table.SampleAsync(here, cancel), await table.SampleAsync(there, cancel));
        if (SampledRow.Wrong(ours, await table.LookUpAsync(there, ours.Values, cancel)) is [_, ..] lost)
        {
            throw Differs(table, ours.Count, lost);
        }

        return SampledRow.Wrong(theirs, await table.LookUpAsync(here, theirs.Values, cancel)) is [_, ..] left ? throw Exceeds(table, theirs.Count, left) : ours.Count + theirs.Count;
    }

    /// <summary>What is said of a table whose rows are not the same as a whole.</summary>
    internal static MigrationException Differs(ComparedTable table, TableSum here, TableSum there) => Differs(table, here.Rows == there.Rows
        ? string.Create(CultureInfo.InvariantCulture, $"some of its {here.Rows:N0} rows are not the same")
        : string.Create(CultureInfo.InvariantCulture, $"{here.Rows:N0} rows on the source, {there.Rows:N0} on the target"));

    /// <summary>What is said of a table some of whose rows are not the same.</summary>
    internal static MigrationException Differs(ComparedTable table, int looked, SampledRow[] wrong) => Differs(table, string.Create(CultureInfo.InvariantCulture,
        $"of {looked:N0} rows looked at {wrong.Length:N0} are missing or other on the target, such as the one with the key {string.Join(", ", wrong[0].Key)}"));

    /// <summary>What is said of a table that has rows on the target which the source has not, or has otherwise.</summary>
    internal static MigrationException Exceeds(ComparedTable table, int looked, SampledRow[] wrong) => Differs(table, string.Create(CultureInfo.InvariantCulture,
        $"of {looked:N0} rows of the target looked at {wrong.Length:N0} are not on the source any more or other there, such as the one with the key {string.Join(", ", wrong[0].Key)}"));

    private static MigrationException Differs(ComparedTable table, string how) => new("DataDiffers", MigrationErrorKind.InvalidData,
        $"{table} is not the same on both servers: {how}. Load it anew (ReloadTables), and look for who wrote to the target, for LOBs that were cut, and for changed primary keys and TRUNCATE, which DMS does not move.");
}
