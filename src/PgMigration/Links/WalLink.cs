using PgMigration.Wal;

namespace PgMigration;

/// <summary>A hot standby that was restored from an archive and follows it: what Start-WalRestore returns.</summary>
public sealed partial class WalLink : ReplicationLink
{
    private readonly WalLagProbe _probe = new();

    /// <inheritdoc/>
    public override string Kind => "Wal";

    /// <inheritdoc/>
    public override bool CarriesSequences => true;

    /// <summary>How WAL comes to the target.</summary>
    public WalFeed Feed { get; init; } = WalFeed.Prefetcher;

    /// <summary>The archive's address, without secrets.</summary>
    public required string Archive { get; init; }

    /// <summary>The data directory of the restored server, on the machine where it runs.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The backup it was restored from.</summary>
    public required string BackupName { get; init; }

    /// <summary>The cluster's system identifier, the same on source, archive and target.</summary>
    public required ulong SystemIdentifier { get; init; }

    /// <summary>
    /// The restored server as the app will reach it: by TCP, with the source's database, login and secret (roles and passwords came
    /// with the data). <see cref="ReplicationLink.Target"/> is the same server as its superuser over the local socket.
    /// </summary>
    public required PgServer TargetAddress { get; init; }

    /// <summary>What was found on the consistent copy that somebody must know before the app is moved; the gravest first.</summary>
    public IReadOnlyList<ReadinessFinding> Findings { get; init => field = value.ToArray(); } = [];

    /// <inheritdoc/>
    public override PgServer TargetForApp(PgServer source) => AddressFor(source, TargetAddress.Host, TargetAddress.Port);

    /// <summary>Measures how far the standby is behind its source.</summary>
    /// <remarks>
    /// Needs only SQL, so it works from any machine; where the data directory is, the prefetcher's status and the server's log add
    /// the reason when the link does not flow. Bytes are honest: from the source's insert position to the replayed one, and on an
    /// archive-only link the source's unfinished segment counts. Time is zero when both servers know the same completed transactions,
    /// even if such bytes remain: nothing committed is missing.
    /// </remarks>
    /// <param name="cancel">Ends the measurement.</param>
    /// <exception cref="MigrationException"><c>SourceOfOtherCluster</c>, <c>SourceInRecovery</c>, <c>TargetOfOtherCluster</c>, or a login that is refused. One of the two that cannot be reached is no error: the record has the other half, and says so.</exception>
    public override Task<ReplicationLag> MeasureLagAsync(CancellationToken cancel = default) => _probe.MeasureAsync(this, cancel);

    /// <inheritdoc/>
    public override ReplicationLink WithSource(PgServer source) => With(source, Target.WithDatabase(source.Database), AddressFor(source, TargetAddress.Host, TargetAddress.Port));

    /// <inheritdoc/>
    public override ReplicationLink WithTarget(PgServer target) => With(Source, target, TargetAddress);

    private WalLink With(PgServer? source, PgServer target, PgServer address, IReadOnlyList<ReadinessFinding>? findings = null) => new()
    {
        Source = source,
        Target = target,
        TargetAddress = address,
        Feed = Feed,
        Archive = Archive,
        BackupName = BackupName,
        DataDirectory = DataDirectory,
        SystemIdentifier = SystemIdentifier,
        Findings = findings ?? Findings,
    };

    /// <summary>The same link with what was found on its target.</summary>
    internal WalLink WithFindings(IReadOnlyList<ReadinessFinding> findings) => With(Source, Target, TargetAddress, findings);

    /// <summary>The source's login and database at another address. A restored server's certificate is signed by nobody, so it cannot be verified.</summary>
    internal static PgServer AddressFor(PgServer source, string host, int port)
    {
        var moved = source.WithHost(host, port);
        return moved.SslMode.StartsWith("verify", StringComparison.Ordinal) ? moved.WithSslMode("require") : moved;
    }

    /// <summary>The layout of the data directory if this is the machine it lies on; otherwise null.</summary>
    internal RestoreLayout? LocalLayout()
    {
        var layout = new RestoreLayout(DataDirectory);
        try
        {
            return OperatingSystem.IsLinux() && File.Exists(layout.RecordFile) && RestoreRecord.Load(layout.RecordFile).SystemIdentifier == SystemIdentifier ? layout : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or MigrationException)
        {
            return null;
        }
    }
}
