using System.Data;
using System.Diagnostics;
using Npgsql;

namespace PgMigration;

/// <summary>What the steps of one cutover share: the servers and one open session on each, the app, the limits, the journal.</summary>
/// <remarks>Sessions are opened before the app is paused; one that breaks is opened anew when it is asked for again.</remarks>
public sealed class CutoverContext : IAsyncDisposable
{
    // Our sessions must be able to write on a fenced server, must not lose their commits in a crash, and must not wait long for a lock.
    private const string SessionSettings =
        "-c default_transaction_read_only=off -c synchronous_commit=on -c lock_timeout=1000 -c statement_timeout=0 -c idle_in_transaction_session_timeout=0";

    private readonly HashSet<int> _ownSourcePids = [];
    private NpgsqlConnection? _source;
    private NpgsqlConnection? _target;

    /// <summary>Begins the context of a new cutover, or of one that the journal knows.</summary>
    public CutoverContext(ReplicationLink link, PgServer source, PgServer appTarget, MigrationApp app, CutoverOptions options, CutoverJournal journal, IMigrationObserver observer)
    {
        Link = link;
        Source = source;
        AppTarget = appTarget;
        App = app;
        Options = options;
        Journal = journal;
        Observer = observer;
        Facts = journal.Facts ?? new CutoverFacts { Id = Guid.NewGuid().ToString("N"), Source = source.ToString(), Target = link.Target.ToString() };
        if (Facts.App is { } memory)
        {
            app.Recall(memory.Kind == app.Kind ? memory.State : throw new MigrationException("OtherApp", MigrationErrorKind.InvalidArgument,
                $"The cutover of {journal.Path} was begun with an app of kind {memory.Kind}, and this one is {app.Kind}. Give the app that was paused."));
        }
    }

    /// <summary>The flow of changes between the two.</summary>
    public ReplicationLink Link { get; }

    /// <summary>The server that the app leaves.</summary>
    public PgServer Source { get; }

    /// <summary>The server it goes to, as the one who promotes and opens it.</summary>
    public PgServer Target => Link.Target;

    /// <summary>The server it goes to, as the app reaches it.</summary>
    public PgServer AppTarget { get; }

    /// <summary>The application.</summary>
    public MigrationApp App { get; }

    /// <summary>The limits.</summary>
    public CutoverOptions Options { get; }

    /// <summary>The memory.</summary>
    public CutoverJournal Journal { get; }

    /// <summary>Who watches.</summary>
    public IMigrationObserver Observer { get; }

    /// <summary>What is known so far.</summary>
    public CutoverFacts Facts { get; private set; }

    /// <summary>The process ids of our own sessions on the source, which the fence spares.</summary>
    public int[] OwnSourcePids => [.. _ownSourcePids];

    /// <summary>Remembers something, on disk before this returns.</summary>
    public void Learn(CutoverFacts facts)
    {
        Facts = facts;
        Journal.Write(CutoverEvent.Learnt, facts: facts);
    }

    /// <summary>Passes on what the engineer should know after the app's last call.</summary>
    public void TellRemarks()
    {
        foreach (string remark in App.Remarks)
        {
            Observer.Warning(remark);
        }
    }

    /// <summary>The session on the source, opened when there is none that works.</summary>
    public async Task<NpgsqlConnection> SourceSessionAsync(CancellationToken cancel)
    {
        if (_source is not { State: ConnectionState.Open })
        {
            await DisposeAsync(_source);
            _source = null;
            var opened = await Source.ConnectAsync(SessionSettings, cancel);
            try
            {
                await KeepIdleSessionAsync(opened, cancel);
                await LockAsync(opened, cancel);
            }
            catch
            {
                await opened.DisposeAsync();
                throw;
            }

            _ownSourcePids.Add(opened.ProcessID);
            _source = opened;
        }

        return _source;
    }

    /// <summary>The session on the target, opened when there is none that works.</summary>
    public async Task<NpgsqlConnection> TargetSessionAsync(CancellationToken cancel)
    {
        if (_target is not { State: ConnectionState.Open })
        {
            await DisposeAsync(_target);
            _target = await Target.ConnectAsync(SessionSettings, cancel);
            await KeepIdleSessionAsync(_target, cancel);
        }

        return _target;
    }

    /// <summary>Closes both sessions.</summary>
    public async ValueTask DisposeAsync()
    {
        await DisposeAsync(_source);
        await DisposeAsync(_target);
    }

    // One cutover a database: the lock is the session's, so it goes when we die, a moment later than we do.
    private static async Task LockAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        for (var clock = Stopwatch.StartNew(); !await source.ScalarAsync<bool>("select pg_try_advisory_lock(1346850119, 1)", cancel);)
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(5))
            {
                throw new MigrationException("CutoverRunning", MigrationErrorKind.InvalidOperation,
                    "Another session holds the lock of a cutover on this source (pg_locks: advisory, 1346850119, 1). Wait for it, or end it.");
            }

            await Task.Delay(50, cancel);
        }
    }

    // idle_session_timeout came with PostgreSQL 14: as a startup option an older server would refuse the connection.
    private static Task KeepIdleSessionAsync(NpgsqlConnection connection, CancellationToken cancel) =>
        connection.ExecuteAsync("select set_config('idle_session_timeout', '0', false) where current_setting('server_version_num')::int >= 140000", cancel);

    private static async ValueTask DisposeAsync(NpgsqlConnection? connection)
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }
}
