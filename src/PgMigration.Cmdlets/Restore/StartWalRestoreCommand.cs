using System.Collections;
using System.Globalization;
using System.Management.Automation;
using PgMigration.Wal;

namespace PgMigration.Cmdlets;

/// <summary>Restores a base backup from a WAL-G or WAL-E archive into a new server that follows the archive as a hot standby.</summary>
/// <remarks>
/// Runs on the Linux machine that is to hold the new server. Killed or stopped before it returned its link, the same command goes on
/// where it stopped; a server that already runs is adopted. What it has returned is never undone: Stop-WalRestore does that.
/// The source's own configuration is kept beside ours, with the ending .from-source.
/// </remarks>
/// <example>
/// <code>Start-WalRestore s3://wal-bucket/prod -DataDirectory /data/pg -Source $env:DATABASE_URL</code>
/// <para>Restores the newest backup on port 5432 and follows the archive.</para>
/// </example>
/// <example>
/// <code>Start-WalRestore /backup/prod -DataDirectory /data/pg -Port 5433 -AllowFrom 10.0.0.0/16 -TablespaceMapping @{ '/mnt/fast' = '/data/fast' }</code>
/// <para>From a folder, on another port, open to a network, with a tablespace put elsewhere.</para>
/// </example>
/// <example>
/// <code>Get-WalBackup s3://wal-bucket/prod -EndpointUrl https://minio.example:9000 -Name *03 | Start-WalRestore -DataDirectory /data/pg</code>
/// <para>A certain backup, by the endpoint that listed it. Two backups at once are refused before anything is restored.</para>
/// </example>
/// <example>
/// <code>Start-WalRestore -WalgConfig ~/prod.walg.json -DataDirectory /data/pg -PgpKeyPath ~/prod.asc -PgpPassphrase (Read-Host 'Passphrase' -AsSecureString)</code>
/// <para>With the settings that WAL-G has, and the private key of an archive that is encrypted with OpenPGP.</para>
/// </example>
/// <example>
/// <code>Start-WalRestore s3://wal-bucket/prod -DataDirectory /data/pg | Wait-ReplicationLag -Source $env:DATABASE_URL -Below 10s</code>
/// <para>Waits until it has caught up.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Start, "WalRestore", SupportsShouldProcess = true)]
[OutputType(typeof(WalLink))]
public sealed class StartWalRestoreCommand : ArchiveCmdlet
{
    private readonly List<ArchiveInput> _piped = [];

    /// <summary>The data directory of the new server: empty, not there yet, or this command's own unfinished work.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    public required string DataDirectory { get; set; }

    /// <summary>The backup to restore; the newest by default. Get-WalBackup lists them.</summary>
    [Parameter]
    public string? BackupName { get; set; }

    /// <summary>The server that the app leaves. Its login measures the lag and finds the superuser's name in the restored data; its secret is not stored.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <summary>The port of the new server; 5432 by default.</summary>
    [Parameter]
    [ValidateRange(1, 65535)]
    public int? Port { get; set; }

    /// <summary>The folder of the PostgreSQL programs; found by the backup's major version by default.</summary>
    [Parameter]
    public string? PostgresBin { get; set; }

    /// <summary>The OS user that is to own and run the server; postgres by default when run as root.</summary>
    [Parameter]
    public string? OSUser { get; set; }

    /// <summary>How many parts are downloaded and extracted at once; by default what WALG_DOWNLOAD_CONCURRENCY says, else the number of cores, 16 at most.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    public int? Parallelism { get; set; }

    /// <summary>Check the pages by their checksums while they are restored. What is wrong and not overwritten by replay is a warning that names file and page.</summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <summary>Where tablespaces go: a hashtable from oid or old folder to new folder. Others go to the folder that they had.</summary>
    [Parameter]
    public Hashtable? TablespaceMapping { get; set; }

    /// <summary>The name of the cluster's first superuser, when no -Source can find it out and it is not postgres.</summary>
    [Parameter]
    public string? Superuser { get; set; }

    /// <summary>Networks whose clients may log in with their passwords, such as 10.0.0.0/16; without any, this machine only.</summary>
    [Parameter]
    public string[] AllowFrom { get; set; } = [];

    /// <summary>How much disk fetched WAL may take while it waits to be replayed, such as 4GB; 1 GB by default, or four segments where those are larger. It is fetched while the backup still loads.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? PrefetchSize { get; set; }

    /// <inheritdoc/>
    protected override bool CleansUpOnSignals => true;

    /// <summary>Collects what is piped: which backup is meant is known only when no other one has come.</summary>
    /// <param name="cancel">Not used.</param>
    protected override Task ProcessAsync(CancellationToken cancel)
    {
        if (ReadInput() is { } piped)
        {
            _piped.Add(piped);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async Task EndAsync(CancellationToken cancel)
    {
        var piped = Piped();
        string? backupName = BackupOf(piped, BackupName);
        var access = ArchiveAccess(piped);
        string directory = Path.TrimEndingDirectorySeparator(ResolvePath(DataDirectory));
        if (await ShouldAsync(directory, $"Restore {backupName ?? "the newest backup"} from {access.Location.Url} and start a server on it"))
        {
            Write(await WalRestore.StartAsync(new WalRestoreOptions
            {
                Archive = access,
                DataDirectory = directory,
                BackupName = backupName,
                Source = Source,
                Port = Port,
                PostgresBin = PostgresBin is null ? null : ResolvePath(PostgresBin),
                User = OSUser is null ? null : new OSUser(OSUser),
                Parallelism = Parallelism ?? Settings.DownloadConcurrency ?? LoadOptions.DefaultParallelism,
                Verify = Verify,
                TablespaceMapping = Mapping(),
                Superuser = Superuser,
                AllowFrom = AllowFrom,
                PrefetchSize = PrefetchSize,
            }, Observer, cancel));
        }
    }

    private ArchiveInput? Piped() => _piped switch
    {
        [] when MyInvocation.ExpectingInput => throw PipedObject.Missing(ArchiveInput.Expected(TakesLinks)),
        [] => null,
        [var one] => one,
        _ => throw new MigrationException("TooManyBackups", MigrationErrorKind.InvalidArgument,
            $"{_piped.Count} backups were piped: {string.Join(", ", _piped.Take(5).Select(piped => piped.BackupName))}{(_piped.Count > 5 ? ", …" : string.Empty)}. Expected one, since one data directory holds one. Choose it by -Name, or the newest by Select-Object -First 1."),
    };

    private Dictionary<string, string> Mapping() => (TablespaceMapping ?? []).Cast<DictionaryEntry>().ToDictionary(
        entry => Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!, entry => ResolvePath(Convert.ToString(entry.Value, CultureInfo.InvariantCulture)!), StringComparer.Ordinal);
}
