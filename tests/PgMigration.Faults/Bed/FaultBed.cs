using System.Diagnostics;
using System.Globalization;
using PgMigration.Wal;

namespace PgMigration.Faults;

/// <summary>
/// A locked-down host that archives, a server restored from that archive with the programs that ship, and a pooler: made once, and for
/// each run put back to how they were by copying their data directories. Only one run at a time.
/// </summary>
internal sealed class FaultBed : IAsyncDisposable
{
    /// <summary>Another role of the database, whose sessions the app's login may neither see into nor end.</summary>
    public const string ClerkLogin = "clerk";

    private static readonly string[] Copied = ["host", "target", "archive"];

    private readonly WorkFolder _folder;
    private readonly PostgresBinaries _binaries;
    private readonly ArchiveAccess _archive;
    private readonly string _poolerConfiguration;
    private bool _limited;

    private FaultBed(WorkFolder folder, PostgresBinaries binaries, ArchiveAccess archive, LockedDownHost host, WalLink link, LocalPgBouncer pooler, string poolerConfiguration)
    {
        _folder = folder;
        _binaries = binaries;
        _archive = archive;
        _poolerConfiguration = poolerConfiguration;
        Host = host;
        Link = link;
        Pooled = pooler.App;
        ConfigFile = pooler.ConfigurationFile;
        Target = new LocalServer(binaries, folder["target"], folder.User);
        SourceNetwork = FlakyNetwork.OnPort(host.App.Port, out int sourcePort);
        TargetNetwork = FlakyNetwork.OnSocket(link.Target.Host, folder["net"], link.Target.Port);
        PoolerNetwork = FlakyNetwork.OnPort(pooler.Admin.Port, out int poolerPort);
        Setup = new SessionSetup
        {
            DataDirectory = Target.DataDirectory,
            Source = SessionSetup.Address.Of(host.App.WithHost("127.0.0.1", sourcePort)),
            Target = SessionSetup.Address.Of(link.Target.WithHost(folder["net"], link.Target.Port)),
            Console = SessionSetup.Address.Of(pooler.Admin.WithHost("127.0.0.1", poolerPort)),
            AppTarget = SessionSetup.Address.Of(link.TargetForApp(host.App)),
            ConfigFile = ConfigFile,
        };
        Admin = pooler.Admin;
    }

    /// <summary>The old server.</summary>
    public LockedDownHost Host { get; }

    /// <summary>The link, not through the flaky network.</summary>
    public WalLink Link { get; }

    /// <summary>The new server by its data directory.</summary>
    public LocalServer Target { get; }

    /// <summary>The new server as the app reaches it.</summary>
    public PgServer TargetForApp => Link.TargetForApp(Host.App);

    /// <summary>What the app connects to.</summary>
    public PgServer Pooled { get; }

    /// <summary>The pooler's console.</summary>
    public PgServer Admin { get; }

    /// <summary>The pooler's file.</summary>
    public string ConfigFile { get; }

    /// <summary>The old server for another role.</summary>
    public PgServer Clerk => Host.App.WithUser(ClerkLogin).WithPassword(Host.App.FindPassword());

    /// <summary>What lies between the session and each server.</summary>
    public FlakyNetwork SourceNetwork { get; }

    /// <inheritdoc cref="SourceNetwork"/>
    public FlakyNetwork TargetNetwork { get; }

    /// <inheritdoc cref="SourceNetwork"/>
    public FlakyNetwork PoolerNetwork { get; }

    /// <summary>What a session is given.</summary>
    public SessionSetup Setup { get; }

    /// <summary>The folder of everything.</summary>
    public string Folder => _folder.Path;

    /// <summary>Whether the target lies on a small file system of its own, which only root can make.</summary>
    public static bool CanLimitDisk => Environment.IsPrivilegedProcess;

    /// <summary>Makes the host, its data, a backup and a restored server, and stops them.</summary>
    public static async Task<FaultBed> CreateAsync(int segmentMegabytes)
    {
        // Memory is as good as a disk for what is tested here: processes die, the machine does not.
        string root = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var folder = await WorkFolder.CreateAsync(Path.Combine(root, "pgm-f" + Guid.NewGuid().ToString("N")[..6]), OSUser.Default);
        LockedDownHost? host = null;
        try
        {
            var binaries = PostgresBinaries.Find();
            var archive = ArchiveAccess.To(await folder.MakeAsync("archive"));
            await folder.MakeAsync("base");
            await folder.MakeAsync("net");
            string push = await folder.CopyProgramAsync("walprefetch", RestorePrograms.Find(null).Prefetch);
            archive.Save(folder["archive.json"]);
            string access = await folder.WriteAsync("archive.json", await File.ReadAllTextAsync(folder["archive.json"]));
            host = await LockedDownHost.CreateAsync(folder, new LockedDownHostOptions
            {
                Binaries = binaries, ArchiveCommand = $"{push} push {access} %p %f", SegmentMegabytes = segmentMegabytes,
                Settings = ["fsync = off", "max_connections = 60", "max_prepared_transactions = 10", "shared_buffers = 64MB"],
            });
            await RehearsalData.FillAsync(host.App, 500_000, IMigrationObserver.None);
            await using (var session = await host.Superuser.ConnectAsync())
            {
                await session.ExecuteAsync($"""
                    create role {ClerkLogin} login password '{host.App.FindPassword()}';
                    grant connect on database {LockedDownHost.DatabaseName} to {ClerkLogin};
                    set role {LockedDownHost.AppLogin};
                    grant usage on schema shop to {ClerkLogin};
                    grant select, insert on all tables in schema public, shop to {ClerkLogin};
                    grant usage on all sequences in schema public, shop to {ClerkLogin};
                    reset role;
                    alter role {LockedDownHost.AppLogin} set default_transaction_read_only = off;
                    """, CancellationToken.None);
            }

            await HostBackup.TakeAsync(host, archive, IMigrationObserver.None, CancellationToken.None);
            var link = await WalRestore.StartAsync(RestoreOptions(folder, binaries, archive, host, LoopbackPort.Free(), first: true), IMigrationObserver.None);
            await using (var session = await link.Target.ConnectAsync())
            {
                await session.ExecuteAsync("alter system set fsync = off", CancellationToken.None);
            }

            await WalRestore.StopAsync(folder["target"]);
            var pooler = await LocalPgBouncer.StartAsync(folder, host);
            await pooler.DisposeAsync();
            await host.StopAsync();
            string configuration = await File.ReadAllTextAsync(pooler.ConfigurationFile) + "server_login_retry = 1\nserver_connect_timeout = 5\n";
            await RunAsync("cp", ["-a", .. Copied.Select(name => folder[name]), folder["base"]]);
            return new FaultBed(folder, binaries, archive, host, link, pooler, configuration);
        }
        catch
        {
            await (host?.DisposeAsync() ?? default);
            folder.Remove();
            throw;
        }
    }

    /// <summary>Puts everything back to how it was, and starts it.</summary>
    /// <param name="limitDisk">Give the target a small file system of its own.</param>
    public async Task ResetAsync(bool limitDisk = false)
    {
        await StopAsync();
        if (limitDisk)
        {
            await _folder.MakeAsync("target");
            await RunAsync("mount", ["-t", "tmpfs", "-o", "size=160m", "faults", _folder["target"]]);
            _limited = true;
        }

        await RunAsync("cp", ["-a", .. Copied.Select(name => _folder[$"base/{name}"]), _folder.Path]);
        await File.WriteAllTextAsync(ConfigFile, _poolerConfiguration);
        await StartSourceAsync();
        await StartTargetAsync();
        await StartPoolerAsync();
        await File.WriteAllTextAsync(SetupFile, Setup.ToText());
    }

    /// <summary>The file of <see cref="Setup"/>.</summary>
    public string SetupFile => _folder["session.json"];

    /// <summary>Starts the source if it does not run.</summary>
    public Task StartSourceAsync() => Host.Local.ProcessId is null ? RetryAsync(() => Host.Local.StartAsync()) : Task.CompletedTask;

    /// <summary>Starts the target if it does not run: by the same command that restored it, or, once promoted, as any server is started.</summary>
    public async Task StartTargetAsync()
    {
        if (Target.ProcessId is not null)
        {
            return;
        }

        await RetryAsync(async () =>
        {
            if (await RestoredServer.IsPromotedAsync(Target, CancellationToken.None))
            {
                await Target.StartAsync();
            }
            else
            {
                await WalRestore.StartAsync(RestoreOptions(_folder, _binaries, _archive, Host, Link.Target.Port), IMigrationObserver.None);
            }
        });
    }

    /// <summary>Starts the pooler with the file as it is.</summary>
    public async Task StartPoolerAsync()
    {
        if (PoolerId is not null)
        {
            return;
        }

        File.Delete(_folder["pooler.pid"]);
        var start = _folder.User.Command(LocalPgBouncer.FindProgram(), "-q", "-d", ConfigFile);
        start.WorkingDirectory = "/";
        using var starter = Process.Start(start)!;
        await starter.WaitForExitAsync();
        await UntilAsync("the pooler answers", TimeSpan.FromSeconds(10), async () =>
        {
            await using var console = await PgBouncerConsole.ConnectAsync(Admin, CancellationToken.None);
            return PoolerId is not null;
        });
    }

    /// <summary>The pooler's process.</summary>
    public int? PoolerId =>
        File.Exists(_folder["pooler.pid"]) && int.TryParse(File.ReadAllText(_folder["pooler.pid"]).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
        && Directory.Exists($"/proc/{id.ToString(CultureInfo.InvariantCulture)}") && !LocalServer.IsZombie(id) ? id : null; // killed, it may wait long for somebody to reap it

    /// <summary>Takes the archive away, for the host and for the target.</summary>
    public void HideArchive() => Directory.Move(_folder["archive"], _folder["archive.away"]);

    /// <summary>Puts it back.</summary>
    public void ShowArchive()
    {
        if (Directory.Exists(_folder["archive.away"]))
        {
            if (Directory.Exists(_folder["archive"]))
            {
                Directory.Delete(_folder["archive"], recursive: true); // made anew by who wanted to write there
            }

            Directory.Move(_folder["archive.away"], _folder["archive"]);
        }
    }

    /// <summary>Ends everything of a run and removes its data. Returns what still ran although nothing should.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        SourceNetwork.Mend();
        TargetNetwork.Mend();
        PoolerNetwork.Mend();
        if (PoolerId is { } pooler)
        {
            Signals.Send(pooler, Signals.Kill);
            await UntilAsync("the pooler is gone", TimeSpan.FromSeconds(5), () => Task.FromResult(PoolerId is null));
        }

        await Target.StopAsync("immediate");
        if (File.Exists(new RestoreLayout(Target.DataDirectory).RecordFile))
        {
            await WalRestore.StopAsync(Target.DataDirectory, evenIfPromoted: true);
        }

        await Host.Local.StopAsync("immediate");
        ShowArchive();
        var left = Signals.Mentioning(Folder).ToList();
        for (var clock = Stopwatch.StartNew(); left.Count > 0 && clock.Elapsed < TimeSpan.FromSeconds(3); left = [.. Signals.Mentioning(Folder)])
        {
            await Task.Delay(50); // a server's children end a moment after it
        }

        if (_limited)
        {
            await RunAsync("umount", ["-l", _folder["target"]]);
            _limited = false;
        }

        foreach (string name in Copied.Where(name => Directory.Exists(_folder[name])))
        {
            Directory.Delete(_folder[name], recursive: true);
        }

        return left;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await SourceNetwork.DisposeAsync();
        await TargetNetwork.DisposeAsync();
        await PoolerNetwork.DisposeAsync();
        _folder.Remove();
    }

    /// <summary>Asks again until it is so; errors count as no.</summary>
    public static async Task UntilAsync(string what, TimeSpan limit, Func<Task<bool>> isSo)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            Exception? last = null;
            try
            {
                if (await isSo())
                {
                    return;
                }
            }
            catch (Exception error) when (error is MigrationException or Npgsql.NpgsqlException or IOException)
            {
                last = error;
            }

            if (clock.Elapsed > limit)
            {
                throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"After {limit.TotalSeconds:0} s it is not so that {what}. {last?.Message}"));
            }
        }
    }

    // A client's end of some connection may have the port for a moment; so may what is just ending.
    private static async Task RetryAsync(Func<Task> start)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await start();
                return;
            }
            catch (MigrationException) when (attempt < 8)
            {
                await Task.Delay(200 * attempt);
            }
        }
    }

    private static WalRestoreOptions RestoreOptions(WorkFolder folder, PostgresBinaries binaries, ArchiveAccess archive, LockedDownHost host, int port, bool first = false) => new()
    {
        Archive = archive, DataDirectory = folder["target"], Port = port, PostgresBin = binaries.Folder, User = folder.User, Superuser = LockedDownHost.SuperuserName,
        Source = first ? host.App : null,
    };

    private static async Task RunAsync(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {process.ExitCode.ToString(CultureInfo.InvariantCulture)}: {said.Trim()}");
        }
    }
}
