using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Compares the rows of tables while the app still writes and the link still follows: what differs for good is found before anybody waits.</summary>
/// <remarks>
/// A row that differs may only be on its way. So something is written behind it, and when that has arrived, so has the row, if it was not
/// changed once more: rows that lie on the source where they lay before, written by the same transaction, and are other on the target, are wrong.
/// </remarks>
internal static class LiveComparison
{
    private const int TablesAtOnce = 25;

    /// <summary>Compares.</summary>
    /// <param name="source">The server that rows come from.</param>
    /// <param name="target">The server they go to.</param>
    /// <param name="names">The tables, as <c>schema.table</c>.</param>
    /// <param name="budget">How long it may take.</param>
    /// <param name="flushAsync">Returns when everything that was committed on the source before its call is on the target.</param>
    /// <param name="shareOfWholeTables">How much of the time is for whole tables; the rest is for samples of those that are too large or are written to all the while.</param>
    /// <param name="observer">Sees which table is read.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>What was found, and the same in words.</returns>
    /// <exception cref="MigrationException"><c>DataDiffers</c>, naming the table and what differs.</exception>
    public static async Task<(ComparedAhead Found, string Said)> RunAsync(PgServer source, PgServer target, string[] names, TimeSpan budget, Func<CancellationToken, Task> flushAsync, double shareOfWholeTables, IMigrationObserver observer, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(budget);
        await using var here = await source.ConnectAsync(ComparedTable.SessionSettings, cancel);
        await using var there = await target.ConnectAsync(ComparedTable.SessionSettings, cancel);
        var same = new Dictionary<string, (string, string, string)>();
        var others = new List<ComparedTable>();
        var tables = await ComparedTable.FindAsync(here, names, cancel);
        var pace = new ComparisonPace(budget * shareOfWholeTables, null);
        int whole = 0;
        foreach (var table in tables)
        {
            observer.Progress(new MigrationProgress("Cutover", $"comparing {table}, {LagText.Of(table.Bytes)}, while the app runs"));
            string[] name = [table.Quoted];
            var (written, arrived) = pace.Left <= TimeSpan.Zero ? ([], []) : (await TableWrites.ReadAsync(here, name, cancel), await TableWrites.ReadAsync(there, name, cancel));
            if (!await pace.TryAsync(table, token => CompareWholeAsync(here, there, table, flushAsync, token), cancel))
            {
                others.Add(table);
                continue;
            }

            whole++;
            if (written.TryGetValue(table.Quoted, out string? counted) && arrived.TryGetValue(table.Quoted, out string? countedThere))
            {
                same[table.ToString()] = (table.Quoted, counted, countedThere);
            }
        }

        int rows = 0, sampled = 0;
        try
        {
            foreach (var batch in others.Where(table => table.Key.Length > 0).Chunk(TablesAtOnce))
            {
                rows += await CompareSamplesAsync(here, there, batch, flushAsync, limit.Token);
                sampled += batch.Length;
            }
        }
        catch (Exception error) when (ComparisonPace.IsTimeOver(error) && !cancel.IsCancellationRequested)
        {
            observer.Verbose($"The time for comparing rows ahead is over: {Redaction.Of(error.Message)}");
        }

        int left = tables.Count - whole - sampled;
        return (new ComparedAhead(same, pace.BytesPerSecond), string.Create(CultureInfo.InvariantCulture,
            $"{whole} tables the same as a whole, {sampled} by {rows:N0} of their rows{(left > 0 ? $", {left} not looked at for lack of time (-CompareAheadFor) or of a primary key" : string.Empty)}"));
    }

    // False when the table is written to all the while. The target is read between two looks at the source: what neither of them missed, and is
    // not there, is missing.
    private static async Task<bool> CompareWholeAsync(NpgsqlConnection here, NpgsqlConnection there, ComparedTable table, Func<CancellationToken, Task> flushAsync, CancellationToken cancel)
    {
        var (ours, theirs) = (table.SumAsync(here, true, cancel), table.SumAsync(there, false, cancel));
        await Task.WhenAll(ours, theirs);
        var first = await ours;
        if (first.IsSameAs(await theirs))
        {
            return true;
        }

        await flushAsync(cancel);
        var arrived = await table.SumAsync(there, false, cancel);
        var second = await table.SumAsync(here, true, cancel);
        return second.IsSameAs(arrived) || (second == first ? throw TableComparison.Differs(table, second, arrived) : false);
    }

    private static async Task<int> CompareSamplesAsync(NpgsqlConnection here, NpgsqlConnection there, ComparedTable[] tables, Func<CancellationToken, Task> flushAsync, CancellationToken cancel)
    {
        var samples = new List<Sample>();
        foreach (var table in tables)
        {
            var theirs = await table.SampleAsync(there, cancel);
            samples.Add(new Sample(table, await table.SampleAsync(here, cancel), theirs, SampledRow.Wrong(theirs, await table.LookUpAsync(here, theirs.Values, cancel))));
        }

        await flushAsync(cancel);
        foreach (var (table, ours, theirs, doubtful) in samples)
        {
            var missing = SampledRow.Wrong(ours, await table.LookUpAsync(there, ours.Values, cancel));
            if (await StillAsync(table, here, missing, cancel) is [_, ..] lost)
            {
                throw TableComparison.Differs(table, ours.Count, lost);
            }

            if (await StillAsync(table, there, doubtful, cancel) is [_, ..] left)
            {
                throw TableComparison.Exceeds(table, theirs.Count, left);
            }
        }

        return samples.Sum(sample => sample.Ours.Count + sample.Theirs.Count);
    }

    // Those that nobody has written to since.
    private static async Task<SampledRow[]> StillAsync(ComparedTable table, NpgsqlConnection session, SampledRow[] rows, CancellationToken cancel)
    {
        var now = rows.Length == 0 ? [] : await table.LookUpAsync(session, rows, cancel);
        return Array.FindAll(rows, row => now.GetValueOrDefault(row.Name)?.Version == row.Version);
    }

    /// <summary>Rows that were looked at before something was written behind them.</summary>
    /// <param name="Table">Whose they are.</param>
    /// <param name="Ours">Some of the source's.</param>
    /// <param name="Theirs">Some of the target's.</param>
    /// <param name="Doubtful">Those of the target's that the source had not, or had otherwise.</param>
    private sealed record Sample(ComparedTable Table, Dictionary<string, SampledRow> Ours, Dictionary<string, SampledRow> Theirs, SampledRow[] Doubtful);
}
