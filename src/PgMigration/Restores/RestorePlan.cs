using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Everything that is decided and checked before the first byte of a restore is written.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RestorePlan
{
    private const int UsualPort = 5432;

    private readonly RestoreLayout _layout;
    private readonly RestoreDirectory _directory;
    private readonly DataDirectoryFiles _files;
    private readonly RestorePrograms _programs;
    private readonly bool _goesOn;

    private RestorePlan(RestoreLayout layout, RestoreDirectory directory, RestorePrograms programs, FileOwner owner, bool goesOn)
    {
        _layout = layout;
        _directory = directory;
        _files = new DataDirectoryFiles(layout.DataDirectory, owner);
        _programs = programs;
        _goesOn = goesOn;
    }

    /// <summary>The objects of the backup, and of those it builds on.</summary>
    public required IReadOnlyList<BackupContents> Chain { get; init; }

    /// <summary>What restore.json will say.</summary>
    public required RestoreRecord Record { get; init; }

    /// <summary>The server to be.</summary>
    public required LocalServer Server { get; init; }

    /// <summary>How the backup is loaded.</summary>
    public required LoadOptions LoadOptions { get; init; }

    /// <summary>Bytes of the backup when it is on disk; a guess from its stored size where an old writer did not record it.</summary>
    public required long Size { get; init; }

    /// <summary>Decides and checks; writes nothing.</summary>
    public static async Task<RestorePlan> MakeAsync(WalRestoreOptions options, RestoreLayout layout, IArchiveStorage storage, IMigrationObserver observer, CancellationToken cancel)
    {
        ClientNetworks.Check(options.AllowFrom);
        var programs = RestorePrograms.Find(options.ProgramFolder);
        var earlier = RestoreDirectory.FindRecord(layout);
        var user = options.User ?? (earlier?.OSUser is { } name ? new OSUser(name) : OSUser.Default);
        var owner = user.Numbers();
        var directory = new RestoreDirectory(layout, user, owner);

        // an unfinished restore goes on with its own backup although a newer one may have come meanwhile
        var backup = await BackupCatalog.FindAsync(storage, options.BackupName ?? earlier?.BackupName, observer, cancel);
        var chain = await BackupChain.FindAsync(storage, backup, cancel);
        var wal = await BackupWal.CheckAsync(storage, backup, cancel);
        if (options.Source is { } source)
        {
            await DirectReach.ProveAsync(source, "source", cancel); // the cutover will fence it, and that needs its own address
            _ = await SourcePosition.ReadAsync(source, wal.SystemIdentifier, storage.Url, cancel); // a wrong address is told now, not in two days
        }

        var binaries = PostgresBinaries.Find(options.PostgresBin ?? earlier?.PostgresBin, wal.MajorVersion);
        if (earlier is not null)
        {
            directory.CheckSame(earlier, storage.Url, backup.Name, wal.SystemIdentifier);
        }

        var server = new LocalServer(binaries, layout.DataDirectory, user);
        int port = options.Port ?? (earlier?.Port is > 0 and var known ? known : UsualPort);
        if (server.ProcessId is null)
        {
            CheckPort(port);
        }

        var contents = await BackupContents.ListAsync(storage, chain, cancel);
        foreach (var one in contents)
        {
            await one.RequireReadableAsync(storage, cancel);
        }

        var tablespaces = TablespaceFolders.Choose(backup.Tablespaces, options.TablespaceMapping, earlier?.Tablespaces);
        return new RestorePlan(layout, directory, programs, owner, earlier is not null)
        {
            Chain = contents,
            Server = server,
            Size = backup.DataSize ?? chain.Max(one => one.UncompressedSize) ?? contents.Sum(one => one.Length) * 3,
            LoadOptions = new LoadOptions
            {
                Verifier = options.Verify && backup.StartLsn is { } start ? new PageVerifier(start) : null,
                Parallelism = options.Parallelism, Owner = owner, Tablespaces = tablespaces, MajorVersion = wal.MajorVersion, SystemIdentifier = wal.SystemIdentifier,
                UncompressedSize = chain.Count == 1 ? backup.UncompressedSize : null,
                StatedSize = chain.All(one => one.UncompressedSize is not null) ? chain.Sum(one => one.UncompressedSize) : null,
            },
            Record = (earlier ?? new RestoreRecord
            {
                SystemIdentifier = wal.SystemIdentifier,
                SegmentSize = wal.SegmentSize,
                MajorVersion = wal.MajorVersion,
                StartSegment = backup.StartSegment.ToString(),
            }) with
            {
                Archive = storage.Url,
                BackupName = backup.Name,
                FinishLsn = backup.FinishLsn?.ToString(),
                Port = port,
                PostgresBin = binaries.Folder,
                OSUser = user.Name,
                Tablespaces = tablespaces,
                PoolLimit = options.PrefetchSize ?? earlier?.PoolLimit ?? Math.Max(RestoreRecord.DefaultPoolLimit, 4L * wal.SegmentSize),
                AllowFrom = options.AllowFrom.Count > 0 ? options.AllowFrom : earlier?.AllowFrom ?? [],
                Superuser = options.Superuser ?? earlier?.Superuser,
                Database = options.Source?.Database ?? earlier?.Database,
            },
        };
    }

    /// <summary>Makes the directories and takes the lock on the data directory.</summary>
    public async Task<RestoreLock> TakeDirectoryAsync(CancellationToken cancel)
    {
        await _directory.MakeAsync(_files, cancel);
        var taken = RestoreLock.Take(_layout);
        try
        {
            if (!BackupLoader.IsLoaded(_layout))
            {
                await _directory.MakeTablespacesAsync(LoadOptions.Tablespaces.Values, _files, _goesOn, cancel);
                _directory.CheckSpace([_layout.DataDirectory, .. LoadOptions.Tablespaces.Values], Size);
            }

            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>Writes what a later run, and the prefetcher, must know, and puts the programs in place.</summary>
    public async Task InstallAsync(ArchiveAccess archive, IMigrationObserver observer, CancellationToken cancel)
    {
        // A promoted cluster is somebody's live database: it must never become a standby again by mistake.
        if (BackupLoader.IsLoaded(_layout) && await RestoredServer.IsPromotedAsync(Server, cancel))
        {
            throw new MigrationException("ServerPromoted", MigrationErrorKind.InvalidOperation,
                $"The server on {_layout.DataDirectory} was promoted: it follows no archive any more, and cannot go back. To restore anew, give another directory.");
        }

        Record.Save(_layout.RecordFile);
        _files.Own(_layout.RecordFile);
        _programs.Install(_files);
        await new ServerCredentials(_layout, _files, Server.User).InstallAsync(archive, observer, cancel);
    }

    private static void CheckPort(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new MigrationException("PortInUse", MigrationErrorKind.ResourceUnavailable,
                string.Create(CultureInfo.InvariantCulture, $"Another program listens on port {port} of this machine. Give the restored server another one with -Port."), error);
        }
    }
}
