namespace PgMigration.Faults;

/// <summary>
/// Everybody who writes during a run: the rehearsal's app through the pooler; and, past it, canaries that try to write on both servers all
/// the time as the app's role, another role, and a transaction manager.
/// </summary>
internal sealed class FaultsApp : IAsyncDisposable
{
    public const int PooledWriters = 4;
    private const int TargetCanary = 20;
    private const int Clerk = 21;
    private const int TransactionManager = 22;

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly RehearsalApp _app;
    private readonly List<Func<Task>> _others;
    private Task _running = Task.CompletedTask;

    public FaultsApp(FaultBed bed)
    {
        var often = TimeSpan.FromMilliseconds(15);
        _app = new RehearsalApp(bed.Pooled, bed.Host.App, new RehearsalAppOptions { Writers = PooledWriters, Readers = 1, CommitsPerSecond = 200 }, Journal);
        _others =
        [
            () => new RehearsalWriter(TargetCanary, WriterKind.Straight, bed.TargetForApp, Journal, often).RunAsync(_stop.Token, _abort.Token),
            () => new RehearsalWriter(Clerk, WriterKind.Straight, bed.Clerk, Journal, often).RunAsync(_stop.Token, _abort.Token),
            () => new TwoPhaseWriter(TransactionManager, bed.Host.App, Journal).RunAsync(_stop.Token),
        ];
    }

    /// <summary>What all of them were told.</summary>
    public CommitJournal Journal { get; } = new();

    public async Task StartAsync()
    {
        await _app.StartAsync();
        _running = Task.WhenAll(_others.Select(each => Task.Run(each)));
    }

    /// <summary>Waits until every writer behind the pooler has had a commit of which it asked only now, and both canaries have tried once more.</summary>
    /// <returns>What did not happen within the limit; null when all did.</returns>
    public async Task<string?> ProveAliveAsync(int port, TimeSpan limit)
    {
        var now = Journal.Now;
        var deadline = now + limit;
        while (true)
        {
            var commits = Journal.Commits.Where(commit => commit.SentAt > now).ToList();
            var silent = Enumerable.Range(0, PooledWriters).Where(writer => !commits.Any(commit => commit.Writer == writer && commit.Port == port)).ToList();
            bool tried = new[] { PooledWriters, TargetCanary }.All(canary => commits.Any(commit => commit.Writer == canary) || Journal.Failures.Any(failure => failure.Writer == canary && failure.At > now));
            if (silent.Count == 0 && tried)
            {
                return null;
            }

            if (Journal.Now > deadline)
            {
                return $"writers {string.Join(", ", silent)} had no commit on port {port} within {limit.TotalSeconds} s{(tried ? string.Empty : ", and a canary did not even try")}; last: {Journal.Failures.LastOrDefault(failure => failure.Pooled)?.Message}";
            }

            await Task.Delay(20);
        }
    }

    /// <summary>Ends all of them.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _app.StopAsync(TimeSpan.FromSeconds(5));
        await Task.WhenAny(_running, Task.Delay(TimeSpan.FromSeconds(5)));
        await _abort.CancelAsync();
        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await _abort.CancelAsync();
        await StopAsync();
        await _app.DisposeAsync();
        Journal.Dispose();
        _stop.Dispose();
        _abort.Dispose();
    }
}
