using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>Waits until a link is close enough to its source.</summary>
public static class LagWait
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Measures each second until the limit is met.</summary>
    /// <remarks>A source that cannot be reached for a while, and a link that stalls, are warned of and waited out: only the timeout ends that.</remarks>
    /// <param name="link">The link.</param>
    /// <param name="limit">How far it may be behind.</param>
    /// <param name="timeout">How long to wait; null for as long as it takes.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="cancel">Ends the wait; the link goes on.</param>
    /// <exception cref="MigrationException"><c>LinkBroken</c>, <c>LinkStopped</c>, <c>LinkPromoted</c>: it will never get there; <c>LagTimeout</c>.</exception>
    public static async Task<ReplicationLag> UntilAsync(ReplicationLink link, LagLimit limit, TimeSpan? timeout, IMigrationObserver observer, CancellationToken cancel = default)
    {
        if (limit.Bytes is not null && link.Source is null)
        {
            throw new MigrationException("SourceMissing", MigrationErrorKind.InvalidArgument,
                "How many bytes a link is behind only its source can tell. Give it with -Source, such as -Source $env:DATABASE_URL.");
        }

        long began = Stopwatch.GetTimestamp();
        var waiting = new Watch(limit, observer);
        while (true)
        {
            string now;
            try
            {
                var lag = await link.MeasureLagAsync(cancel);
                waiting.Show(lag);
                if (limit.IsMet(lag))
                {
                    return lag;
                }

                ThrowIfHopeless(link, lag);
                now = LagText.Of(lag);
            }
            catch (MigrationException error) when (error.Kind == MigrationErrorKind.Connection)
            {
                now = error.Message;
                waiting.WarnOnce(error.Message);
            }

            if (timeout is { } longest && Stopwatch.GetElapsedTime(began) > longest)
            {
                throw new MigrationException("LagTimeout", MigrationErrorKind.Timeout,
                    string.Create(CultureInfo.InvariantCulture, $"After {longest.TotalSeconds:0.#} s the link is not within {limit}: {now.TrimEnd('.')}. It goes on meanwhile; wait again, or look at what slows it."));
            }

            await Task.Delay(Interval, cancel);
        }
    }

    private static void ThrowIfHopeless(ReplicationLink link, ReplicationLag lag)
    {
        if (lag.State is LinkState.Broken or LinkState.Stopped or LinkState.Promoted)
        {
            string next = lag.State == LinkState.Broken ? string.Empty : lag.State == LinkState.Stopped ? $"Start it again with {(link.Kind == "Wal" ? "Start-WalRestore" : "Start-PgDmsReplication")}." : "There is nothing to wait for.";
            throw new MigrationException($"Link{lag.State}", MigrationErrorKind.InvalidOperation, $"The link to {link.Target} is {lag.State}: {lag.Detail} {next}".TrimEnd());
        }
    }

    private sealed class Watch(LagLimit limit, IMigrationObserver observer)
    {
        private readonly string _activity = $"Waiting until the lag is within {limit}";
        private readonly long _began = Stopwatch.GetTimestamp();
        private string? _warned;
        private double? _first;

        public void Show(ReplicationLag lag)
        {
            double goal = limit.Bytes ?? limit.Time?.TotalSeconds ?? 0;
            double? now = limit.Bytes is null ? lag.Time?.TotalSeconds : lag.Bytes;
            _first ??= now;
            double? done = _first > goal && now is not null ? (_first - now) / (_first - goal) : null;
            observer.Progress(new MigrationProgress(_activity, LagText.Of(lag))
            {
                Percent = done is { } part ? (int)Math.Clamp(part * 100, 0, 100) : null,
                Left = done is > 0 and < 1 ? Stopwatch.GetElapsedTime(_began) * ((1 - done.Value) / done.Value) : null,
                Completed = limit.IsMet(lag),
            });
            if (lag.State == LinkState.Stalled && lag.Detail is { } detail)
            {
                WarnOnce(detail);
            }
        }

        public void WarnOnce(string message)
        {
            if (_warned != message)
            {
                _warned = message;
                observer.Warning(message);
            }
        }
    }
}
