namespace PgMigration;

/// <summary>A hot standby that was restored from an archive and follows it: what Start-WalRestore returns.</summary>
public sealed partial class WalLink : ReplicationLink
{
    /// <inheritdoc/>
    public override string Kind => "Wal";

    /// <summary>The archive's address, without secrets.</summary>
    public required string Archive { get; init; }

    /// <summary>The data directory of the restored server, on the machine where it runs.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The backup it was restored from.</summary>
    public required string BackupName { get; init; }

    /// <summary>The cluster's system identifier, the same on source, archive and target.</summary>
    public required ulong SystemIdentifier { get; init; }

    /// <inheritdoc/>
    public override Task<ReplicationLag> MeasureLagAsync(CancellationToken cancel = default) => throw new NotSupportedException();
}
