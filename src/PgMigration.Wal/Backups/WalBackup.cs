namespace PgMigration.Wal;

/// <summary>A base backup in an archive, as its sentinel describes it. What an older writer did not record is null.</summary>
public sealed record WalBackup
{
    /// <summary>Its name, such as <c>base_0000000100000000000000A3</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The segment in which it starts: what has to be replayed begins here.</summary>
    public required WalSegmentName StartSegment { get; init; }

    /// <summary>The timeline it was taken on.</summary>
    public uint Timeline => StartSegment.Timeline;

    /// <summary>Where its replay starts.</summary>
    public Lsn? StartLsn { get; init; }

    /// <summary>From where on the restored cluster is consistent.</summary>
    public Lsn? FinishLsn { get; init; }

    /// <summary>When it was begun; else when its sentinel was stored, which is soon after its end.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>When it was begun.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? FinishTime { get; init; }

    /// <summary>The version as PostgreSQL numbers it: 150018 is 15.18.</summary>
    public int? PgVersion { get; init; }

    /// <summary>The major version: 15 for 15.18.</summary>
    public int? MajorVersion => PgVersion / 10_000;

    /// <summary>The cluster.</summary>
    public ulong? SystemIdentifier { get; init; }

    /// <summary>Bytes of its files.</summary>
    public long? UncompressedSize { get; init; }

    /// <summary>Bytes that it takes in the archive.</summary>
    public long? CompressedSize { get; init; }

    /// <summary>Whether the archive's clean-up spares it.</summary>
    public bool IsPermanent { get; init; }

    /// <summary>The backup that this one builds on; null for a full one.</summary>
    public string? DeltaFrom { get; init; }

    /// <summary>The full backup at the bottom of the chain; null for a full one.</summary>
    public string? DeltaFullName { get; init; }

    /// <summary>Of a delta: it holds what changed since this position, at which the backup it builds on started.</summary>
    public Lsn? DeltaLsn { get; init; }

    /// <summary>Bytes of the cluster's files, also of those that a delta does not hold.</summary>
    public long? DataSize { get; init; }

    /// <summary>Whether it holds only changes since another backup.</summary>
    public bool IsDelta { get; init; }

    /// <summary>The machine it was taken on.</summary>
    public string? Hostname { get; init; }

    /// <summary>The data directory it was taken of.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>The cluster's tablespaces.</summary>
    public IReadOnlyList<BackupTablespace> Tablespaces { get; init => field = value.ToArray(); } = [];

    /// <summary>The archive's address, without secrets.</summary>
    public required string Archive { get; init; }

    /// <summary>The endpoint by which it was reached; null for AWS itself and for a folder.</summary>
    public string? EndpointUrl => Access?.Endpoint?.AbsoluteUri;

    /// <summary>The bucket's region by which it was reached; null where none was named.</summary>
    public string? Region => Access?.Region;

    /// <summary>The profile of the AWS configuration files by which it was reached; null where none was named.</summary>
    public string? ProfileName => Access?.Profile;

    /// <summary>Whether the bucket was part of the path; null: as the endpoint needs it.</summary>
    public bool? PathStyle => Access?.PathStyle;

    /// <summary>How it was reached, so that the next command reaches it in the same way. May hold keys, which are never shown and do not leave the session.</summary>
    internal ArchiveAccess? Access { get; init; }

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}
