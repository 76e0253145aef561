using System.Diagnostics;

namespace PgMigration;

/// <summary>How fast a standby replays at present.</summary>
/// <param name="Replayed">Up to where it has replayed.</param>
/// <param name="BytesPerSecond">Bytes of WAL that it replays in a second; null when it replayed nothing while it was watched.</param>
public sealed record ReplayProgress(Lsn? Replayed, double? BytesPerSecond)
{
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(5);

    /// <summary>Watches a link's target for five seconds.</summary>
    /// <param name="link">The link; only its target is asked.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="MigrationException">The target cannot be reached.</exception>
    public static async Task<ReplayProgress> MeasureAsync(WalLink link, CancellationToken cancel = default)
    {
        var before = await StandbyPosition.ReadAsync(link.Target, cancel);
        long since = Stopwatch.GetTimestamp();
        await Task.Delay(Watched, cancel);
        var after = await StandbyPosition.ReadAsync(link.Target, cancel);
        double seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        double? rate = after.Replayed is { } to && before.Replayed is { } from && to > from ? (to - from) / seconds : null;
        return new ReplayProgress(after.Replayed, rate);
    }
}
