using System.Globalization;

namespace PgMigration.Wal;

/// <summary>Whether a backup can be brought up to now from its archive: what Test-WalArchive returns.</summary>
public sealed record WalArchiveReport
{
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

    /// <summary>The backup from which the way begins.</summary>
    public required string BackupName { get; init; }

    /// <summary>When it was begun.</summary>
    public required DateTimeOffset BackupTime { get; init; }

    /// <summary>Whether nothing is missing between the backup's start and the newest segment.</summary>
    public bool IsWhole => Gaps.Count == 0;

    /// <summary>Whether a server restored from the backup becomes consistent; null when an old writer did not record the backup's end.</summary>
    public required bool? IsConsistent { get; init; }

    /// <summary>What is missing, in the order of the way.</summary>
    public required IReadOnlyList<WalGap> Gaps { get; init => field = value.ToArray(); }

    /// <summary>The timelines from the backup's on.</summary>
    public required IReadOnlyList<WalTimeline> Timelines { get; init => field = value.ToArray(); }

    /// <summary>The cluster's segment size in bytes.</summary>
    public required int SegmentSize { get; init; }

    /// <summary>The segment with which replay begins.</summary>
    public required WalSegmentName FirstSegment { get; init; }

    /// <summary>The newest segment on the way; null when there is none.</summary>
    public required WalSegmentName? LastSegment { get; init; }

    /// <summary>The timeline that a restored server follows.</summary>
    public required uint Timeline { get; init; }

    /// <summary>Up to where a restored server can replay: the first gap, or the end of the newest segment.</summary>
    public required Lsn ReplayableTo { get; init; }

    /// <summary>How many segments there are on the way up to there.</summary>
    public required long Segments { get; init; }

    /// <summary>Bytes of WAL on the way up to there: what replay has to go through.</summary>
    public long WalBytes => Segments * SegmentSize;

    /// <summary>Bytes that these segments take in the archive: what has to be downloaded.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>When the newest segment was stored, in UTC; null when there is none.</summary>
    public required DateTimeOffset? NewestAt { get; init; }

    /// <summary>How long ago that was: on a quiet source it grows up to its archive_timeout, on a busy one it tells that archiving stands still.</summary>
    public required TimeSpan? NewestAge { get; init; }

    /// <summary>Bytes of WAL a day at present, by when the segments of the last day were stored; null with less than two of them.</summary>
    public required long? WalBytesPerDay { get; init; }

    /// <summary>Bytes of WAL that replay is taken to get through in a second: given, or measured; null when neither.</summary>
    public double? ReplayBytesPerSecond { get; init; }

    /// <summary>Up to where a restored server has replayed already; null when none was asked.</summary>
    public Lsn? ReplayedTo { get; init; }

    /// <summary>How long replay takes for what is there now; null while no rate is known.</summary>
    public TimeSpan? ReplayTime => ReplayBytesPerSecond is > 0 and var rate ? Duration(Left / rate) : null;

    /// <summary>How long it takes until replay has caught up with a source that goes on writing; null while no rate is known, and when it never does.</summary>
    public TimeSpan? CatchUpTime =>
        ReplayBytesPerSecond is { } rate && rate - ((WalBytesPerDay ?? 0) / TimeSpan.SecondsPerDay) is > 0 and var gain ? Duration(Left / gain) : null;

    /// <summary>How many objects were listed.</summary>
    public required long Listed { get; init; }

    /// <summary>One sentence.</summary>
    public string Detail => (Gaps.Count, LastSegment) switch
    {
        (0, { } last) => string.Create(CultureInfo.InvariantCulture, $"There is an unbroken way from {BackupName} to {last}."),
        (0, null) => $"The archive holds no segment behind {BackupName} yet.",
        (1, _) => Gaps[0].Detail,
        _ => string.Create(CultureInfo.InvariantCulture, $"There are {Gaps.Count} gaps; the first one: {Gaps[0].Detail}"),
    } + (IsConsistent == false ? $" A server restored from {BackupName} never becomes consistent." : string.Empty);

    private double Left => ReplayedTo is { } replayed ? Math.Max(0, ReplayableTo - replayed) : WalBytes;

    private static TimeSpan Duration(double seconds) => seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(Math.Round(seconds)) : TimeSpan.MaxValue;
}
