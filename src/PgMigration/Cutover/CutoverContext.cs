using System.Data;
using System.Diagnostics;
using Npgsql;

namespace PgMigration;

/// <summary>What the steps of one cutover share: the servers and one open session on each, the app, the limits, the journal.</summary>
/// <remarks>Sessions are opened before the app is paused; one that breaks is opened anew when it is asked for again.</remarks>
public sealed class CutoverContext : IAsyncDisposable
{
    // Our sessions must be able to write on a fenced server, must not lose their commits in a crash, and must not wait long for a lock.
    // A server that no longer reaches us must let our session go, and the lock with it, in seconds and not in two hours.
    private const string SessionSettings =
        "-c default_transaction_read_only=off -c synchronous_commit=on -c lock_timeout=1000 -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
        + " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3";

    // A network that went away answers nothing, also to those who wait for ever: a statement that takes longer than this has met one.
    private const int StatementSeconds = 20;

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(3);

    private readonly HashSet<int> _ownSourcePids = [];
    private DateTimeOffset _sourceAsked;
    private DateTimeOffset _targetAsked;
    private NpgsqlConnection? _source;
    private NpgsqlConnection? _target;

    /// <summary>Begins the context of a new cutover, or of one that the journal knows.</summary>
    public CutoverContext(ReplicationLink link, PgServer source, PgServer appTarget, MigrationApp app, CutoverOptions options, CutoverJournal journal, IMigrationObserver observer)
    {
        Link = link;
        Source = source;
        AppTarget = appTarget;
        App = app;
        app.Logins = options.AppSource is { } own ? [appTarget, own] : [appTarget];
        Options = options;
        Journal = journal;
        Observer = observer;
        Facts = journal.Facts ?? new CutoverFacts { Id = Guid.NewGuid().ToString("N"), Source = source.ToString(), Target = link.Target.ToString() };
        if (Facts.App is { } memory)
        {
            if (memory.Kind != app.Kind)
            {
                throw new MigrationException("OtherApp", MigrationErrorKind.InvalidArgument,
                    $"The cutover of {journal.Path} was begun with an app of kind {memory.Kind}, and this one is {app.Kind}. Give the app that was paused.");
            }

            if (memory.State is { } state)
            {
                app.Recall(state);
            }
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
    public void Learn(CutoverFacts facts, CutoverEvent what = CutoverEvent.Learnt, string? text = null)
    {
        Facts = facts;
        Journal.Write(what, text: text, facts: facts);
    }

    /// <summary>Remembers something that the next line of the journal takes along: a sync less while the app is paused.</summary>
    internal void Remember(CutoverFacts facts) => Facts = facts;

    /// <summary>What names the source as it runs now: a restart or a failover changes it. Null before the first session.</summary>
    public string? SourceIncarnation { get; private set; }

    /// <summary>The source as it ran when its fence was proven; null before that.</summary>
    public string? FencedIncarnation { get; set; }

    /// <summary>The app's own login on the source, when the app knows it and it is another than ours.</summary>
    internal PgServer? AppLogin { get; set; }

    /// <summary>The logins on the source whose sessions the link needs behind the fence too: DMS's.</summary>
    internal string[] SparedLogins => Link is DmsLink dms ? dms.Logins : [];

    /// <summary>Cancelled when the user wants no more; behind the point of no return the steps themselves are not.</summary>
    internal CancellationToken Wish { get; set; }

    /// <summary>What a comparison of rows found before the app was paused.</summary>
    internal ComparedAhead ComparedAhead { get; set; } = ComparedAhead.Nothing;

    /// <summary>How far behind the target was when the gates were first asked.</summary>
    internal (long Bytes, Lsn Target)? FirstLag { get; set; }

    /// <summary>How long the fence took to raise and lift in a trial.</summary>
    internal TimeSpan FenceTrial { get; set; }

    /// <summary>How a segment got from the source to the target before the app is paused.</summary>
    internal SegmentWay? Way { get; set; }

    /// <summary>Passes on what the engineer should know after the app's last call.</summary>
    public void TellRemarks()
    {
        foreach (string remark in App.Remarks)
        {
            Observer.Warning(remark);
        }
    }

    /// <summary>The session on the source, opened when there is none that works.</summary>
    /// <exception cref="MigrationException"><c>SourceInRecovery</c>, <c>SourceOfOtherCluster</c>: another server answers there now; <c>ServerBehindPooler</c>; <c>SourceReadOnly</c>; <c>CutoverRunning</c>.</exception>
    public async Task<NpgsqlConnection> SourceSessionAsync(CancellationToken cancel)
    {
        if (_source is null || !await WorksAsync(_source, _sourceAsked, cancel))
        {
            await DisposeAsync(_source);
            _source = null;
            var opened = await DirectReach.OpenAsync(Source, "source", SessionSettings, StatementSeconds, cancel);
            try
            {
                await DirectReach.CheckAsync(opened, Source, "source", cancel); // what fences it, and lifts the fence, must be able to
                await KeepIdleSessionAsync(opened, cancel);
                await EndOwnAsync(opened, cancel);
                await LockAsync(opened, Facts.SystemIdentifier == 0 ? TimeSpan.FromSeconds(5) : TimeSpan.FromSeconds(15), cancel);
                SourceIncarnation = await IdentifyAsync(opened, cancel);
            }
            catch
            {
                await opened.DisposeAsync();
                throw;
            }

            _ownSourcePids.Add(opened.ProcessID);
            _source = opened;
        }

        _sourceAsked = Options.Clock.GetUtcNow();
        return _source;
    }

    /// <summary>The session on the source whose fence was proven: one that was restarted or replaced since must be asked everything anew.</summary>
    /// <exception cref="MigrationException"><c>SourceChanged</c>.</exception>
    public async Task<NpgsqlConnection> FencedSourceSessionAsync(CancellationToken cancel)
    {
        var session = await SourceSessionAsync(cancel);
        return FencedIncarnation is null || FencedIncarnation == SourceIncarnation ? session
            : throw new MigrationException("SourceChanged", MigrationErrorKind.InvalidOperation,
                $"The source was restarted or replaced while it was fenced (timeline and start: {FencedIncarnation}, now {SourceIncarnation}): fence and mark are proven anew.");
    }

    /// <summary>The session on the target, opened when there is none that works.</summary>
    public async Task<NpgsqlConnection> TargetSessionAsync(CancellationToken cancel)
    {
        if (_target is null || !await WorksAsync(_target, _targetAsked, cancel))
        {
            await DisposeAsync(_target);
            _target = null;
            var opened = await DirectReach.OpenAsync(Target, "target", SessionSettings, StatementSeconds, cancel);
            try
            {
                await DirectReach.CheckAsync(opened, Target, "target", cancel);
                await KeepIdleSessionAsync(opened, cancel);
            }
            catch
            {
                await opened.DisposeAsync();
                throw;
            }

            _target = opened;
        }

        _targetAsked = Options.Clock.GetUtcNow();
        return _target;
    }

    /// <summary>Whether the source answers over the session there is.</summary>
    internal async Task<bool> SourceAnswersAsync(CancellationToken cancel) => _source is not null && await WorksAsync(_source, DateTimeOffset.MinValue, cancel);

    /// <summary>Closes both sessions.</summary>
    public async ValueTask DisposeAsync()
    {
        await DisposeAsync(_source);
        await DisposeAsync(_target);
    }

    // A machine that slept wakes with connections that look open and lead nowhere: one that has been idle is asked before it is used.
    private async Task<bool> WorksAsync(NpgsqlConnection session, DateTimeOffset asked, CancellationToken cancel)
    {
        var idle = Options.Clock.GetUtcNow() - asked;
        if (session.State != ConnectionState.Open || (idle >= TimeSpan.Zero && idle < Fresh))
        {
            return session.State == ConnectionState.Open;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(AnswersWithin);
        try
        {
            await session.ExecuteAsync("select 1", limit.Token);
            return true;
        }
        catch (Exception error) when (error is NpgsqlException or OperationCanceledException or IOException && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<string> IdentifyAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        var (recovers, cluster, started, readOnly) = (await source.RowsAsync(
            "select pg_is_in_recovery(), (select system_identifier::text from pg_control_system()), pg_postmaster_start_time()::text, current_setting('transaction_read_only') = 'on'",
            row => (row.GetBoolean(0), row.GetString(1), row.GetString(2), row.GetBoolean(3)), cancel))[0];
        if (recovers && Facts.SystemIdentifier != 0)
        {
            throw new MigrationException("SourceInRecovery", MigrationErrorKind.InvalidOperation,
                $"The source {Source} is a standby now: it failed over while the cutover ran. Go on with the server that was promoted: Resume-Cutover or Undo-Cutover with its address in -Source.");
        }

        if (Facts.SystemIdentifier != 0 && cluster != Facts.SystemIdentifier.ToString(System.Globalization.CultureInfo.InvariantCulture))
        {
            throw new MigrationException("SourceOfOtherCluster", MigrationErrorKind.InvalidData,
                $"The server at {Source} has the system identifier {cluster}, and this cutover is of {Facts.SystemIdentifier}. Another server answers at that address; give the source's with -Source.");
        }

        if (readOnly && !recovers)
        {
            throw new MigrationException("SourceReadOnly", MigrationErrorKind.InvalidOperation,
                $"A session on the source {Source} may not write, although it was opened with default_transaction_read_only = off: it could neither raise nor lift a fence. Give the server's own address with -Source.");
        }

        return recovers ? started : $"{await MarkSource.TimelineAsync(source, cancel)}, {started}";
    }

    // A session of ours that leads nowhere any more may still hold the lock on the other side.
    private Task EndOwnAsync(NpgsqlConnection source, CancellationToken cancel) => _ownSourcePids.Count == 0 ? Task.CompletedTask : source.ExecuteAsync(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid = any (@own) and usename = current_user and application_name = current_setting('application_name')",
        cancel, new NpgsqlParameter<int[]>("own", OwnSourcePids));

    // One cutover a database: the lock is the session's, so it goes when we die, a moment later than we do.
    private static async Task LockAsync(NpgsqlConnection source, TimeSpan patience, CancellationToken cancel)
    {
        for (var clock = Stopwatch.StartNew(); !await source.ScalarAsync<bool>("select pg_try_advisory_lock(1346850119, 1)", cancel);)
        {
            if (clock.Elapsed > patience)
            {
                string? holder = await source.TextOrNullAsync("select string_agg(pid::text, ', ') from pg_locks where locktype = 'advisory' and classid = 1346850119 and objid = 1 and granted", cancel);
                throw new MigrationException("CutoverRunning", MigrationErrorKind.InvalidOperation,
                    $"Another session holds the lock of a cutover on this source (process {holder}). Wait for it; or, where it belongs to nobody any more, end it: SELECT pg_terminate_backend({holder}).");
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
