using System.Management.Automation;
using PgMigration.Wal;

namespace PgMigration.Cmdlets;

/// <summary>Tests whether there is an unbroken way from a backup to now in an archive: by listing alone, in seconds.</summary>
/// <remarks>
/// Reports gaps, timelines, sizes, the age of the newest segment, the rate of WAL, and how long replay will take at a given or measured
/// rate. An archive with a gap is reported and then an error (WalArchiveBroken), so that a script with -ErrorAction Stop goes no further;
/// with -Quiet it is False and no error. Nothing but the first segment's header and the histories is downloaded: a damage inside a
/// segment shows only when it is replayed.
/// </remarks>
/// <example>
/// <code>Test-WalArchive s3://wal-bucket/prod</code>
/// <para>From the newest backup.</para>
/// </example>
/// <example>
/// <code>if (-not (Test-WalArchive s3://wal-bucket/prod -Quiet)) { throw 'The archive has a gap.' }</code>
/// <para>Yes or no, for a script.</para>
/// </example>
/// <example>
/// <code>Get-WalBackup s3://wal-bucket/prod | Test-WalArchive -ReplayRate 120MB -ErrorAction Continue | Format-Table BackupName, IsWhole, WalBytes, ReplayTime, CatchUpTime</code>
/// <para>Which backup is the best to start from, when replay gets through 120 MB a second.</para>
/// </example>
/// <example>
/// <code>(Test-WalArchive s3://wal-bucket/prod -Link (Get-WalRestore /data/pg)).CatchUpTime</code>
/// <para>How long a restored server still needs, at the rate that it replays with now.</para>
/// </example>
[Cmdlet(VerbsDiagnostic.Test, "WalArchive")]
[OutputType(typeof(WalArchiveReport), typeof(bool))]
public sealed class TestWalArchiveCommand : ArchiveCmdlet
{
    /// <summary>The backup from which the way begins; the newest by default. What Get-WalBackup lists can be piped.</summary>
    [Parameter(Position = 1)]
    public string? BackupName { get; set; }

    /// <summary>Bytes of WAL that replay gets through in a second, such as 120MB; without it, and without -Link, no time is estimated.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? ReplayRate { get; set; }

    /// <summary>A restored server whose replay is measured for a few seconds; its position is where the estimate begins.</summary>
    [Parameter]
    [ReplicationLinkTransformation]
    public ReplicationLink? Link { get; set; }

    /// <summary>Return only whether the way is unbroken, and no error when it is not.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    private protected override bool TakesLinks => true;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var link = Link is null or WalLink ? (WalLink?)Link : throw new MigrationException("LinkNotSupported", MigrationErrorKind.InvalidArgument,
            $"A link of kind {Link.Kind} replays no archive. Expected what Start-WalRestore or Get-WalRestore returned.");
        var piped = ReadInput();
        var access = ArchiveAccess(piped);
        using var storage = ArchiveStorage.Open(access);
        var backup = await BackupCatalog.FindAsync(storage, BackupOf(piped, BackupName), Observer, cancel);
        var replay = link is null ? null : await ReplayProgress.MeasureAsync(link, cancel);
        var report = await ArchiveSurvey.RunAsync(storage, backup, ReplayRate ?? replay?.BytesPerSecond, Observer, cancel);
        report = report with { Access = access, ReplayedTo = replay?.Replayed };
        Write(Quiet ? report.IsWhole : report);
        if (!report.IsWhole && !Quiet)
        {
            WriteFailure(new MigrationException("WalArchiveBroken", MigrationErrorKind.InvalidData, $"{storage.Url}: {report.Detail}"), storage.Url);
        }
    }
}
