using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Waits until the mark is on the target: the position replayed, and the nonce readable there.</summary>
/// <remarks>A position alone says nothing about its timeline: the nonce does.</remarks>
public sealed class DrainLink : ICutoverStep
{
    private static readonly TimeSpan BetweenLooksAtTheLink = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public string Name => nameof(DrainLink);

    /// <inheritdoc/>
    public string Effect => "wait until the target has replayed the mark and shows the nonce; look whether anything was made, changed or dropped on the source since";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var mark = context.Facts.MarkLsn!.Value;
        var clock = Stopwatch.StartNew();
        var nextLook = BetweenLooksAtTheLink;
        while (true)
        {
            Lsn replayed;
            try
            {
                var target = await context.TargetSessionAsync(cancel);
                replayed = await target.LsnAsync("pg_last_wal_replay_lsn()", cancel);
                if (replayed >= mark)
                {
                    return $"{await ProveAsync(context, target, cancel)}, {await SinceTheMark.ProveUntouchedAsync(context, cancel)}";
                }
            }
            catch (NpgsqlException error) when (error is not PostgresException or PostgresException { SqlState: "40001" or "40P01" or "57P01" })
            {
                // Replay no longer waits for readers, and we are one: a question or a session of ours that stood in its way is asked anew.
                context.Observer.Verbose($"the target ended a session of ours: {error.Message}");
                await Task.Delay(5, cancel);
                continue;
            }

            if (clock.Elapsed > nextLook)
            {
                nextLook = clock.Elapsed + BetweenLooksAtTheLink;
                var lag = await context.Link.MeasureLagAsync(cancel);
                context.Observer.Progress(new MigrationProgress("Cutover", string.Create(CultureInfo.InvariantCulture, $"draining: {mark - replayed:N0} bytes to {mark}; the link is {lag.State} {lag.Detail}")));
                if (lag.State is LinkState.Broken or LinkState.Stopped or LinkState.Promoted)
                {
                    throw new MigrationException("LinkBroken", MigrationErrorKind.InvalidData, $"The link is {lag.State} at {replayed}, before the mark {mark}: {lag.Detail}");
                }
            }

            await Task.Delay(2, cancel); // a standby tells nobody how far it has replayed
        }
    }

    /// <inheritdoc/>
    public async Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) =>
        context.Facts.Nonce is { } nonce && await MarkTable.ReadAsync(await context.TargetSessionAsync(cancel), context.Facts.Id, cancel) == nonce;

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>Reads the nonce on the target.</summary>
    /// <exception cref="MigrationException"><c>MarkMissing</c>: the target is past the position, but on another history.</exception>
    internal static async Task<string> ProveAsync(CutoverContext context, NpgsqlConnection target, CancellationToken cancel)
    {
        string? found = await MarkTable.ReadAsync(target, context.Facts.Id, cancel);
        return found == context.Facts.Nonce
            ? $"{context.Facts.MarkLsn} replayed, nonce found"
            : throw new MigrationException("MarkMissing", MigrationErrorKind.InvalidData,
                $"The target has replayed {context.Facts.MarkLsn}, but does not hold what the source wrote there: it is not on the source's timeline {context.Facts.MarkTimeline}, or the row in {MarkTable.Schema}.mark was removed. It must not be promoted. Run the cutover again; if that ends so too, the target needs a new restore.");
    }
}
