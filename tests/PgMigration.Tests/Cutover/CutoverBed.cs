using System.Diagnostics;

namespace PgMigration.Tests;

/// <summary>A locked-down host, its app behind a real PgBouncer, and a standby that follows its archive by plain copies: what a cutover needs, and no more.</summary>
internal sealed class CutoverBed : IAsyncDisposable
{
    private readonly WorkFolder _folder;
    private readonly LocalServer _standby;
    private LocalServer? _promoted;

    private CutoverBed(WorkFolder folder, LockedDownHost host, LocalPgBouncer pooler, LocalServer standby, PgServer target)
    {
        _folder = folder;
        Host = host;
        Pooler = pooler;
        _standby = standby;
        Link = new CopyLink { Source = host.App, Target = target };
        App = new PgBouncerApp(pooler.Admin, host.App.Database, pooler.ConfigurationFile);
    }

    public LockedDownHost Host { get; }

    public LocalPgBouncer Pooler { get; }

    public CopyLink Link { get; }

    public PgBouncerApp App { get; }

    public string NewJournal => _folder[$"{Guid.NewGuid():N}.journal"];

    public Cutover Cutover(IMigrationObserver? observer = null) => new(Link, Host.App, App, new CutoverOptions { MaxPause = TimeSpan.FromSeconds(20) }, observer ?? IMigrationObserver.None);

    public CutoverContext Context(CutoverJournal journal, CutoverOptions? options = null, MigrationApp? app = null, IMigrationObserver? observer = null) =>
        new(Link, Host.App, Link.TargetForApp(Host.App), app ?? App, options ?? new CutoverOptions { MaxPause = TimeSpan.FromSeconds(20) }, journal, observer ?? IMigrationObserver.None);

    public Task<LocalPgBouncer> StartPoolerAsync(string name, string poolMode = "transaction") => LocalPgBouncer.StartAsync(_folder, Host, poolMode, name);

    public PgBouncerApp AppOf(LocalPgBouncer pooler, TimeSpan? disconnectAfter = null) => new(pooler.Admin, Host.App.Database, pooler.ConfigurationFile) { DisconnectAfter = disconnectAfter };

    public static async Task<CutoverBed> CreateAsync(string? setUp = null, params string[] settings)
    {
        var folder = await WorkFolder.CreateAsync(null, OSUser.Default);
        string archive = await folder.MakeAsync("archive");
        var binaries = PostgresBinaries.Find();
        var host = await LockedDownHost.CreateAsync(folder, new LockedDownHostOptions
        {
            Binaries = binaries,
            ArchiveCommand = $"cp %p {archive}/%f.tmp && mv {archive}/%f.tmp {archive}/%f",
            Settings = ["fsync = off", .. settings ?? []], // nobody pulls the plug here
        });
        await using (var session = await host.App.ConnectAsync())
        {
            await session.ExecuteAsync("create table items (id bigserial primary key, who text not null)", CancellationToken.None);
            if (setUp is not null)
            {
                await session.ExecuteAsync(setUp, CancellationToken.None);
            }
        }

        // A cold copy: the simplest base backup there is.
        await host.StopAsync();
        await RunAsync(folder.User, "cp", "-a", folder["host"], folder["standby"]);
        int port = LoopbackPort.Free();
        await folder.WriteAsync("standby/standby.signal", string.Empty);
        string configuration = await File.ReadAllTextAsync(folder["standby/postgresql.conf"]);
        await folder.WriteAsync("standby/postgresql.conf", $"""
            {configuration}
            port = {port}
            archive_mode = off
            wal_level = logical
            restore_command = 'cp {archive}/%f %p 2>/dev/null'
            wal_retrieve_retry_interval = 20ms
            """);
        var standby = new LocalServer(binaries, folder["standby"], folder.User);
        await host.Local.StartAsync();
        await standby.StartAsync();
        var pooler = await LocalPgBouncer.StartAsync(folder, host);
        return new CutoverBed(folder, host, pooler, standby, new PgServer(folder["run"], port, host.App.Database, LockedDownHost.SuperuserName));
    }

    /// <summary>The source under another port, as after a change of its address.</summary>
    public async Task<PgServer> MoveSourceAsync()
    {
        int port = LoopbackPort.Free();
        await Host.StopAsync();
        await _folder.WriteAsync("host/postgresql.conf", await File.ReadAllTextAsync(_folder["host/postgresql.conf"]) + $"\nport = {port}\n");
        await Host.Local.StartAsync();
        return Host.App.WithHost("127.0.0.1", port);
    }

    /// <summary>The host fails over: a copy that has all of it is promoted at another address, on a new timeline, and archives from there on.</summary>
    public async Task<PgServer> FailOverSourceAsync()
    {
        int port = LoopbackPort.Free();
        await Host.StopAsync();
        await RunAsync(_folder.User, "cp", "-a", _folder["host"], _folder["promoted"]);
        await _folder.WriteAsync("promoted/standby.signal", string.Empty);
        await _folder.WriteAsync("promoted/postgresql.conf", $"{await File.ReadAllTextAsync(_folder["promoted/postgresql.conf"])}\nport = {port}\nrestore_command = 'false'\n");
        _promoted = new LocalServer(PostgresBinaries.Find(), _folder["promoted"], _folder.User);
        await _promoted.StartAsync();
        await _promoted.RunAsync("pg_ctl", CancellationToken.None, "promote", "--pgdata", _folder["promoted"], "--wait", "--silent");
        return Host.App.WithHost("127.0.0.1", port);
    }

    /// <summary>Lets a standby stream from the source as the app's login.</summary>
    public async Task AllowReplicationAsync()
    {
        string rules = await File.ReadAllTextAsync(_folder["host/pg_hba.conf"]);
        await _folder.WriteAsync("host/pg_hba.conf", rules.Replace("host replication all 127.0.0.1/32 reject", "host replication all 127.0.0.1/32 scram-sha-256", StringComparison.Ordinal));
        await using var host = await Host.Superuser.ConnectAsync();
        await host.ExecuteAsync("select pg_reload_conf()", CancellationToken.None);
    }

    /// <summary>A commit through the pooler.</summary>
    public async Task WriteAsAppAsync(TimeSpan? within = null)
    {
        using var deadline = new CancellationTokenSource(within ?? TimeSpan.FromSeconds(10));
        await using var session = await Pooler.App.ConnectAsync(deadline.Token);
        await session.ExecuteAsync("insert into items (who) values ('after')", deadline.Token);
    }

    /// <summary>That a commit through the pooler waits, as it does while the app is paused.</summary>
    public async Task AssertAppWaitsAsync()
    {
        var waited = await Assert.ThrowsAnyAsync<Exception>(() => WriteAsAppAsync(TimeSpan.FromMilliseconds(500)));
        Assert.True(waited is OperationCanceledException or MigrationException { ErrorId: "ServerUnreachable", InnerException.InnerException: TimeoutException }, waited.ToString()); // the driver tells a cancelled wait either way
    }

    /// <summary>Sends the target's first process a signal: STOP and it accepts connections no more, and answers none.</summary>
    public Task SignalTargetAsync(string signal) => RunAsync(OSUser.Current, "kill", $"-{signal}", _standby.ProcessId!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Stops the standby and starts it again.</summary>
    public async Task RestartTargetAsync(string mode = "fast")
    {
        await _standby.StopAsync(mode);
        await _standby.StartAsync();
    }

    public bool TargetRuns => _standby.ProcessId is not null;

    public async ValueTask DisposeAsync()
    {
        await Pooler.DisposeAsync();
        await _standby.StopAsync("immediate");
        await (_promoted?.StopAsync("immediate") ?? Task.CompletedTask);
        await Host.DisposeAsync();
        _folder.Remove();
    }

    private static async Task RunAsync(OSUser user, string program, params string[] arguments)
    {
        using var process = Process.Start(user.Command(program, arguments))!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>What the plan asks of a link, measured by SQL alone.</summary>
    internal sealed class CopyLink : ReplicationLink
    {
        public override string Kind => "Wal";

        public override PgServer TargetForApp(PgServer source) => source.WithHost("127.0.0.1", Target.Port);

        public override async Task<ReplicationLag> MeasureLagAsync(CancellationToken cancel = default)
        {
            await using var target = await Target.ConnectAsync(cancel);
            return new ReplicationLag { State = LinkState.Following, TargetLsn = await target.LsnAsync("pg_last_wal_replay_lsn()", cancel), MeasuredAt = DateTime.UtcNow };
        }
    }
}
