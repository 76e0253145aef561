using System.Collections.Concurrent;
using System.Globalization;

namespace PgMigration;

/// <summary>The application of a rehearsal: writers and readers that go on through everything, and remember what they were told.</summary>
/// <remarks>
/// It waits for as long as a server takes; only errors make it try again. What it may use is what transaction pooling allows: no
/// session state, no protocol-level prepared statements (PgBouncer before 1.21 loses them between transactions).
/// </remarks>
public sealed class RehearsalApp : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly List<RehearsalWriter> _writers = [];
    private readonly List<RehearsalReader> _readers = [];
    private readonly TimeSpan _interval;
    private Task _running = Task.CompletedTask;

    /// <summary>Prepares the app; nothing runs yet.</summary>
    /// <param name="pooled">The database through the pooler.</param>
    /// <param name="straight">The old server itself, with the same login.</param>
    /// <param name="options">How busy it is.</param>
    /// <param name="journal">Where it remembers.</param>
    public RehearsalApp(PgServer pooled, PgServer straight, RehearsalAppOptions options, CommitJournal journal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Writers, 3);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CommitsPerSecond, 1);
        Journal = journal;
        _interval = TimeSpan.FromSeconds((double)(options.Writers + 1) / options.CommitsPerSecond);
        for (int number = 0; number < options.Writers; number++)
        {
            var kind = number switch { 0 => WriterKind.Asynchronous, 1 => WriterKind.Prepared, _ => WriterKind.Plain };
            _writers.Add(new RehearsalWriter(number, kind, pooled, journal, _interval));
        }

        _writers.Add(new RehearsalWriter(options.Writers, WriterKind.Straight, straight, journal, _interval));
        for (int number = 1; number <= options.Readers; number++)
        {
            _readers.Add(new RehearsalReader(-number, pooled, journal));
        }
    }

    /// <summary>What it remembers.</summary>
    public CommitJournal Journal { get; }

    /// <summary>Starts it, and returns once every writer has had a commit acknowledged.</summary>
    /// <exception cref="MigrationException"><c>RehearsalAppStuck</c>: a writer did not get that far within the limit.</exception>
    public async Task StartAsync(CancellationToken cancel = default)
    {
        var first = new ConcurrentDictionary<int, bool>();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Note(AcknowledgedCommit commit)
        {
            if (first.TryAdd(commit.Writer, true) && first.Count == _writers.Count)
            {
                all.TrySetResult();
            }
        }

        Journal.Recorded += Note;
        try
        {
            _running = Task.WhenAll(_writers.Select(writer => writer.RunAsync(_stop.Token, _abort.Token)).Concat(_readers.Select(reader => reader.RunAsync(_stop.Token, _abort.Token))));
            await all.Task.WaitAsync(TimeSpan.FromSeconds(30), cancel);
        }
        catch (TimeoutException)
        {
            throw new MigrationException("RehearsalAppStuck", MigrationErrorKind.Timeout,
                string.Create(CultureInfo.InvariantCulture, $"Only {first.Count} of {_writers.Count} writers of the rehearsal's app had a commit within 30 s. {(Journal.Failures is [var met, ..] ? met.Message : "None met an error")}."));
        }
        finally
        {
            Journal.Recorded -= Note;
        }
    }

    /// <summary>Adds a writer that goes straight to a server, while the others run; the server that the app leaves next must be seen to refuse.</summary>
    /// <param name="server">The server, by the app's login.</param>
    /// <returns>The writer's number.</returns>
    public int AddStraight(PgServer server)
    {
        var writer = new RehearsalWriter(_writers.Count, WriterKind.Straight, server, Journal, _interval);
        _writers.Add(writer);
        _running = Task.WhenAll(_running, writer.RunAsync(_stop.Token, _abort.Token));
        return _writers.Count - 1;
    }

    /// <summary>Lets each writer and reader finish what it has begun, and ends them.</summary>
    /// <param name="patience">After how long what still waits is cut off: such a transaction counts neither as a commit nor as an error.</param>
    public async Task StopAsync(TimeSpan patience)
    {
        await _stop.CancelAsync();
        try
        {
            await _running.WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            await _abort.CancelAsync();
            await _running;
        }
    }

    /// <summary>Cuts off whatever still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        await _abort.CancelAsync();
        await StopAsync(TimeSpan.FromSeconds(10));
        _stop.Dispose();
        _abort.Dispose();
    }
}
