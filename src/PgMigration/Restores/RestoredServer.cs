using System.Net;
using System.Runtime.Versioning;
using Npgsql;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>A restored data directory with its server and prefetcher: configured, started, found, stopped.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RestoredServer
{
    private readonly RestoreLayout _layout;
    private readonly LocalServer _server;
    private readonly DataDirectoryFiles _files;
    private readonly StandbyAccess _access;

    /// <summary>The server of a record.</summary>
    public RestoredServer(RestoreLayout layout, RestoreRecord record, LocalServer server)
    {
        _layout = layout;
        _server = server;
        _files = new DataDirectoryFiles(layout.DataDirectory, server.User.Numbers());
        _access = new StandbyAccess(_files, server.User);
        Record = record with { SocketFolder = record.SocketFolder ?? SocketFolder.Choose(layout) };
        Prefetcher = new PrefetcherProcess(layout, server.User);
    }

    /// <summary>What is known about it.</summary>
    public RestoreRecord Record { get; private set; }

    /// <summary>Its prefetcher.</summary>
    public PrefetcherProcess Prefetcher { get; }

    /// <summary>Finds the restore of a data directory.</summary>
    /// <exception cref="MigrationException"><c>RestoreNotFound</c>.</exception>
    public static RestoredServer Find(string dataDirectory)
    {
        var layout = new RestoreLayout(dataDirectory);
        if (!File.Exists(layout.RecordFile))
        {
            throw new MigrationException("RestoreNotFound", MigrationErrorKind.NotFound,
                $"'{dataDirectory}' holds no restore of ours: {RestoreLayout.FolderName}/restore.json is not there. Name the -DataDirectory that Start-WalRestore was given, as a user who may read it.");
        }

        var record = RestoreRecord.Load(layout.RecordFile);
        var user = record.OSUser is { } name ? new OSUser(name) : OSUser.Default;
        return new RestoredServer(layout, record, new LocalServer(PostgresBinaries.Find(record.PostgresBin, record.MajorVersion), dataDirectory, user));
    }

    /// <summary>Whether a loaded cluster was promoted, whether it runs or not.</summary>
    /// <remarks>
    /// pg_control comes from a running primary, so before the first start it says "in production", too: but then the label is there,
    /// which the server takes away only after it has noted that it recovers (StartupXLOG in xlog.c).
    /// </remarks>
    public static async Task<bool> IsPromotedAsync(LocalServer server, CancellationToken cancel) =>
        !File.Exists(Path.Combine(server.DataDirectory, "backup_label"))
        && !(await ControlData.ReadAsync(server, cancel)).State.Contains("recovery", StringComparison.Ordinal);

    /// <inheritdoc cref="IsPromotedAsync(LocalServer, CancellationToken)"/>
    public async Task<bool> IsPromotedAsync(CancellationToken cancel) => BackupLoader.IsLoaded(_layout) && await IsPromotedAsync(_server, cancel);

    /// <summary>Writes the configuration of a server that does not run.</summary>
    public async Task ConfigureAsync(long dataSize, PgServer? source, CancellationToken cancel)
    {
        var control = await ControlData.ReadAsync(_server, cancel);
        ServerCertificate.Make(_files);
        SocketFolder.Make(Record.SocketFolder!, _files);
        var configuration = new StandbyConfiguration
        {
            MajorVersion = Record.MajorVersion,
            SegmentSize = Record.SegmentSize,
            Minimums = await RequiredSettings.ForAsync(control, source, cancel),
            Port = Record.Port,
            SocketFolder = Record.SocketFolder!,
            RestoreCommand = RestorePrograms.RestoreCommand,
            AllowFrom = Record.AllowFrom,
            DataSize = dataSize,
            Tls = ServerCertificate.Files,
        };
        _files.WriteText("postgresql.conf", configuration.Settings());
        _files.WriteText("pg_hba.conf", configuration.Rules());
        _files.WriteText("standby.signal", string.Empty);
    }

    /// <summary>Starts the server, waits until it is consistent, and finds out the superuser's name.</summary>
    public async Task<string> StartAsync(WalRestoreOptions options, IMigrationObserver observer, CancellationToken cancel)
    {
        var candidates = Candidates(options).ToList();
        _access.Allow(candidates.Select(candidate => candidate.User));
        if (_server.ProcessId is not null)
        {
            await ReloadAsync(cancel);
        }

        await new StandbyStart(_server, Prefetcher, Record, observer).UntilConsistentAsync(candidates[0], options.StallLimit, cancel);
        string superuser = await StandbyAccess.FindSuperuserAsync(candidates, cancel);
        _access.Allow(candidates.Select(candidate => candidate.User).Append(superuser));
        await ReloadAsync(cancel);
        return superuser;
    }

    /// <summary>Proves that the superuser can be reached, notes that the link exists, and returns it.</summary>
    public async Task<WalLink> LinkAsync(string superuser, PgServer? source, IMigrationObserver observer, CancellationToken cancel)
    {
        var link = Link(superuser, source);
        await ProveReachableAsync(link.Target, cancel);
        link = await WithFindingsAsync(link, observer, cancel);
        Record = Record with { Superuser = superuser, LinkedAt = Record.LinkedAt ?? DateTime.UtcNow };
        Record.Save(_layout.RecordFile);
        _files.Own(_layout.RecordFile);
        return link;
    }

    /// <summary>The link with what is found on its target now. What cannot be found out is a warning: the link is one all the same.</summary>
    public static async Task<WalLink> WithFindingsAsync(WalLink link, IMigrationObserver observer, CancellationToken cancel)
    {
        try
        {
            var findings = await StandbyFindings.ReadAsync(link.Target, link.Source, cancel);
            foreach (var finding in findings.Where(finding => finding.Severity > FindingSeverity.Info))
            {
                observer.Warning($"{finding} See the link's Findings for what to do.");
            }

            return link.WithFindings(findings);
        }
        catch (Exception error) when (error is MigrationException or NpgsqlException)
        {
            observer.Warning($"The restored server could not be examined: {error.Message} Get-WalRestore does it again.");
            return link;
        }
    }

    /// <summary>The link as an object.</summary>
    public WalLink Link(string superuser, PgServer? source)
    {
        string database = source?.Database ?? Record.Database ?? "postgres";
        string host = Record.AllowFrom.Count == 0 ? IPAddress.Loopback.ToString() : Dns.GetHostName();
        var target = new PgServer(Record.SocketFolder!, Record.Port, database, superuser);
        return new WalLink
        {
            Source = source,
            Target = target,
            TargetAddress = source is null ? new PgServer(host, Record.Port, database, superuser) : WalLink.AddressFor(source, host, Record.Port),
            Archive = Record.Archive!,
            BackupName = Record.BackupName!,
            DataDirectory = _layout.DataDirectory,
            SystemIdentifier = Record.SystemIdentifier,
        };
    }

    /// <summary>Stops the server and then the prefetcher, which restore_command would start again.</summary>
    public async Task StopAsync(CancellationToken cancel)
    {
        await _server.StopAsync("fast", cancel);
        await Prefetcher.StopAsync(cancel);
    }

    /// <summary>Removes the data directory, and what the restore put into the folders of tablespaces.</summary>
    public void RemoveData()
    {
        foreach (string folder in Record.Tablespaces.Values.Where(Directory.Exists))
        {
            foreach (string versions in Directory.GetDirectories(folder, "PG_*"))
            {
                Directory.Delete(versions, recursive: true);
            }
        }

        Directory.Delete(_layout.DataDirectory, recursive: true);
    }

    private async Task ReloadAsync(CancellationToken cancel) =>
        await _server.RunAsync("pg_ctl", cancel, "reload", "--pgdata", _layout.DataDirectory, "--silent");

    /// <summary>A reload is a signal: the server reads pg_ident.conf a moment later.</summary>
    private static async Task ProveReachableAsync(PgServer target, CancellationToken cancel)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await using var connection = await target.ConnectAsync(cancel);
                return;
            }
            catch (Exception error) when (attempt < 50 && StandbyAccess.IsRefusal(error))
            {
                await Task.Delay(100, cancel);
            }
        }
    }

    private IEnumerable<PgServer> Candidates(WalRestoreOptions options)
    {
        string socket = Record.SocketFolder!;
        if ((options.Superuser ?? Record.Superuser) is { } known)
        {
            yield return new PgServer(socket, Record.Port, "postgres", known);
        }

        if (options.Source is { } source)
        {
            yield return new PgServer(socket, Record.Port, source.Database, source.User);
        }

        yield return new PgServer(socket, Record.Port, "postgres", "postgres");
    }
}
