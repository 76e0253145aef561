namespace PgMigration.Wal;

/// <summary>Segments in a row that are in the archive and cannot be read, because of the storage class of their objects.</summary>
internal sealed class ArchivedRun
{
    /// <summary>The first of their objects; null when there is none.</summary>
    public ArchiveObject? First { get; private set; }

    /// <summary>The number of the last segment, counted from the beginning of the log; 0 when there is none.</summary>
    public ulong Last { get; private set; }

    /// <summary>How many segments they are.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a segment; one that is there with two codecs counts once.</summary>
    public void Add(SurveyedTimeline timeline, SurveyedTimeline.Stored stored, ulong number)
    {
        Count += First is null || number != Last ? 1 : 0;
        First ??= timeline.ArchivedAt(stored);
        Last = number;
    }

    /// <summary>The class of the first one, and what to do.</summary>
    public string Describe(string archive) => First is null ? string.Empty : $"{archive}/{First.Name} lies in the storage class {First.StorageClass}. {ArchivedObjects.Remedy(archive, First)}";
}
