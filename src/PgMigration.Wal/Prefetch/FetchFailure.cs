namespace PgMigration.Wal;

/// <summary>Why a segment could not be fetched, and when it is tried again.</summary>
internal sealed record FetchFailure
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // A damaged object may be replaced at any time, and looking again costs a download.
    private static readonly TimeSpan DamagedPause = TimeSpan.FromSeconds(2);

    /// <summary>Which segment.</summary>
    public required WalSegmentName Segment { get; init; }

    /// <summary>What that makes of the prefetcher's state.</summary>
    public required PrefetchState State { get; init; }

    /// <summary>One sentence for people.</summary>
    public required string Message { get; init; }

    /// <summary>When it is tried again, in UTC.</summary>
    public required DateTime RetryAt { get; init; }

    /// <summary>How often in a row.</summary>
    public required int Count { get; init; }

    /// <summary>The failure that an error makes.</summary>
    public static FetchFailure After(FetchFailure? before, WalSegmentName segment, Exception error)
    {
        int count = (before?.Count ?? 0) + 1;
        var state = StateOf(error);
        var pause = state == PrefetchState.Damaged ? DamagedPause : TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(count - 1, 8)));
        return new FetchFailure { Segment = segment, State = state, Message = error.Message, RetryAt = DateTime.UtcNow + pause, Count = count };
    }

    /// <summary>What an error makes of the prefetcher's state.</summary>
    public static PrefetchState StateOf(Exception error) => error is not MigrationException known ? PrefetchState.Unreachable : known.Kind switch
    {
        MigrationErrorKind.InvalidData or MigrationErrorKind.NotSupported => PrefetchState.Damaged,
        MigrationErrorKind.ResourceUnavailable => PrefetchState.Failed,
        _ => PrefetchState.Unreachable,
    };
}
