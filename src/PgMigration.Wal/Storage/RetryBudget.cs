using System.Diagnostics;

namespace PgMigration.Wal;

/// <summary>Decides whether a failed attempt is made again: pauses grow, and the time without progress is bounded.</summary>
internal sealed class RetryBudget(TransferLimits limits, TimeSpan budget)
{
    private long _since = Stopwatch.GetTimestamp();
    private int _failures;

    /// <summary>Something came through: the budget begins anew.</summary>
    public void Progress()
    {
        _since = Stopwatch.GetTimestamp();
        _failures = 0;
    }

    /// <summary>Waits before the next attempt; false when the budget leaves no room for one.</summary>
    public async Task<bool> PauseAsync(CancellationToken cancel)
    {
        double doubled = limits.FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(_failures++, 16));
        // jitter, so that parallel transfers which broke together do not come back together
        var pause = TimeSpan.FromMilliseconds(Math.Min(doubled, limits.LongestPause.TotalMilliseconds) * (0.5 + (Random.Shared.NextDouble() / 2)));
        if (Stopwatch.GetElapsedTime(_since) + pause > budget)
        {
            return false;
        }

        await Task.Delay(pause, cancel);
        return true;
    }
}
