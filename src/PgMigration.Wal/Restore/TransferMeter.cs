using System.Diagnostics;
using System.Globalization;

namespace PgMigration.Wal;

/// <summary>Counts the bytes of a load across its threads and tells the observer several times a second.</summary>
internal sealed class TransferMeter : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(15);

    private readonly IMigrationObserver _observer;
    private readonly string _activity;
    private readonly long _total;
    private readonly Queue<(long Time, long Bytes)> _recent = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reporting;
    private long _bytes;

    /// <summary>Begins to report.</summary>
    /// <param name="observer">Who is told.</param>
    /// <param name="activity">What is done.</param>
    /// <param name="total">Bytes at the end.</param>
    /// <param name="done">Bytes that an earlier run has done: they count for the percentage, not for the rate.</param>
    public TransferMeter(IMigrationObserver observer, string activity, long total, long done)
    {
        _observer = observer;
        _activity = activity;
        _total = total;
        _bytes = done;
        _reporting = ReportAsync();
    }

    /// <summary>Counts bytes; from any thread.</summary>
    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reporting;
        _stop.Dispose();
    }

    /// <summary>A number of bytes for people: <c>1.2 GB</c>.</summary>
    internal static string Size(double bytes) => bytes switch
    {
        >= 1e12 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e12:0.00} TB"),
        >= 1e9 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
    };

    private async Task ReportAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                Report(ended: false);
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            Report(ended: true);
        }
    }

    private void Report(bool ended)
    {
        long bytes = Interlocked.Read(ref _bytes);
        long now = Stopwatch.GetTimestamp();
        _recent.Enqueue((now, bytes));
        while (_recent.Count > 2 && Stopwatch.GetElapsedTime(_recent.Peek().Time, now) > Window)
        {
            _recent.Dequeue();
        }

        var (time, earlier) = _recent.Peek();
        double seconds = Stopwatch.GetElapsedTime(time, now).TotalSeconds;
        double rate = seconds > 0 ? (bytes - earlier) / seconds : 0;
        _observer.Progress(new MigrationProgress(_activity, $"{Size(bytes)} of {Size(_total)}, {Size(rate)}/s")
        {
            Percent = _total == 0 ? null : (int)Math.Min(100, 100.0 * bytes / _total),
            Left = rate > 0 ? TimeSpan.FromSeconds((_total - bytes) / rate) : null,
            Completed = ended,
        });
    }
}
