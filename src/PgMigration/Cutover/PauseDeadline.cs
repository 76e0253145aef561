namespace PgMigration;

/// <summary>Runs from the begin of the pause, and ends the steps' work when the app has been paused for too long.</summary>
/// <remarks>
/// By the wall clock as well as by the machine's running time: the latter stands still while a laptop sleeps, and the app does not. A wall
/// clock that is set back does not prolong the pause.
/// </remarks>
internal sealed class PauseDeadline : IDisposable
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);

    private readonly TimeSpan _limit;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _source = new();
    private readonly Timer _looks;
    private CancellationTokenSource? _linked;
    private DateTimeOffset? _until;

    public PauseDeadline(TimeSpan limit, TimeProvider clock)
    {
        _limit = limit;
        _clock = clock;
        _looks = new Timer(_ => Look());
    }

    /// <summary>Whether it has passed; asked at each step too, since a machine that has just woken runs us before its timers.</summary>
    public bool HasPassed
    {
        get
        {
            Look();
            return _until is not null && _source.IsCancellationRequested;
        }
    }

    public void Start()
    {
        _until ??= _clock.GetUtcNow() + _limit;
        _source.CancelAfter(_limit);
        _looks.Change(BetweenLooks, BetweenLooks);
    }

    public void Stop()
    {
        _until = null;
        _looks.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _source.CancelAfter(Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Link(CancellationToken cancel)
    {
        _linked ??= CancellationTokenSource.CreateLinkedTokenSource(cancel, _source.Token);
        return _linked.Token;
    }

    public void Dispose()
    {
        _looks.Dispose();
        _linked?.Dispose();
        _source.Dispose();
    }

    private void Look()
    {
        if (_until <= _clock.GetUtcNow())
        {
            try
            {
                _source.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // the last look came after the end
            }
        }
    }
}
