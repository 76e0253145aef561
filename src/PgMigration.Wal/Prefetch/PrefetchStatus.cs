using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>What the prefetcher last did and knows: the content of <c>pgmigration/prefetch.status</c>.</summary>
/// <remarks>Replaced by rename when something changes; a running prefetcher refreshes it at least every ten seconds.</remarks>
public sealed record PrefetchStatus
{
    /// <summary>How it fares.</summary>
    public required PrefetchState State { get; init; }

    /// <summary>The last segment seen in the archive on the timeline that is followed; null when none was.</summary>
    public string? LastInArchive { get; init; }

    /// <summary>The last segment that PostgreSQL got from us, or has its own proven copy of; null when it asked for none yet.</summary>
    public string? LastPlaced { get; init; }

    /// <summary>The segment that must come next: what a gap or a damage is about.</summary>
    public string? NextSegment { get; init; }

    /// <summary>The newest timeline that has a history in the archive; null when none has.</summary>
    public uint? NewestTimeline { get; init; }

    /// <summary>Where each timeline whose history is in the archive left its parent.</summary>
    public IReadOnlyList<TimelineFork> Forks { get; init; } = [];

    /// <summary>Bytes of checked segments that wait in the pool.</summary>
    public long PoolBytes { get; init; }

    /// <summary>One sentence for people; names the object when the state is about one.</summary>
    public string Detail { get; init; } = string.Empty;

    /// <summary>When this was written, in UTC.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The prefetcher's process id.</summary>
    public int ProcessId { get; init; }

    /// <summary>Whether the state keeps replay from going on although the archive holds, or may hold, more.</summary>
    [JsonIgnore]
    public bool IsTrouble => State is PrefetchState.Gap or PrefetchState.Damaged or PrefetchState.Unreachable or PrefetchState.Failed;

    /// <summary>Reads the status of a data directory; null when no prefetcher has written one.</summary>
    public static PrefetchStatus? Read(RestoreLayout layout)
    {
        try
        {
            using var stream = new FileStream(layout.StatusFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return JsonSerializer.Deserialize(stream, RestoreJson.Default.PrefetchStatus);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Replaces the status of a data directory: readers see the old one or the new one, whole.</summary>
    public void Write(RestoreLayout layout)
    {
        string temporary = layout.StatusFile + ".new";
        using (var stream = File.Create(temporary))
        {
            JsonSerializer.Serialize(stream, this, RestoreJson.Default.PrefetchStatus);
        }

        File.Move(temporary, layout.StatusFile, overwrite: true);
    }
}
