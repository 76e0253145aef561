using System.Diagnostics;
using Npgsql;

namespace PgMigration;

/// <summary>Spends the time for whole tables: on those that are likely to be through before it ends.</summary>
internal sealed class ComparisonPace(TimeSpan budget, double? bytesPerSecond)
{
    // What one that small takes is the way to the servers and back.
    private const long Measurable = 1 << 20;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _bytes;
    private double _seconds;

    /// <summary>What is left of the time.</summary>
    public TimeSpan Left => budget - _clock.Elapsed;

    /// <summary>The pace so far; null as long as nothing large enough was compared.</summary>
    public double? BytesPerSecond => _bytes > 0 ? _bytes / _seconds : bytesPerSecond;

    /// <summary>Whether this is how a comparison ends that took too long, or that waited for a lock.</summary>
    public static bool IsTimeOver(Exception error) => error is OperationCanceledException or PostgresException { SqlState: PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable };

    /// <summary>Compares a table, if there is time; false when there is not, when it took too long, or when the comparison itself says so.</summary>
    public async Task<bool> TryAsync(ComparedTable table, Func<CancellationToken, Task<bool>> compare, CancellationToken cancel)
    {
        if (Left <= TimeSpan.Zero || table.Bytes / (BytesPerSecond ?? double.PositiveInfinity) > Left.TotalSeconds)
        {
            return false;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Left);
        var clock = Stopwatch.StartNew();
        try
        {
            bool done = await compare(limit.Token);
            if (done && table.Bytes >= Measurable)
            {
                _bytes += table.Bytes;
                _seconds += clock.Elapsed.TotalSeconds;
            }

            return done;
        }
        catch (Exception error) when (IsTimeOver(error) && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }
}
