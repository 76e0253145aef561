namespace PgMigration.Wal;

/// <summary>One object of <c>wal_005/</c>: a segment, a timeline's history, a partial segment, or a backup's note.</summary>
/// <param name="Name">What PostgreSQL calls it: the object's name without folder and codec.</param>
/// <param name="Object">The object as it is stored.</param>
/// <param name="Parts">What its name tells.</param>
public sealed record WalObject(string Name, ArchiveObject Object, WalObjectName Parts)
{
    /// <summary>The segment's name; null when it is none (nor a partial one).</summary>
    public WalSegmentName? Segment => Parts.Kind == WalObjectKind.Segment ? Parts.Segment : null;

    /// <summary>The timeline, when it is a history file.</summary>
    public uint? HistoryOf => Parts.Kind == WalObjectKind.History ? Parts.Timeline : null;

    /// <summary>Whether its codec is supported.</summary>
    public bool IsReadable => Parts.Codec is not null;

    /// <summary>The WAL in an object; null when it holds none.</summary>
    public static WalObject? Of(ArchiveObject stored)
    {
        ArgumentNullException.ThrowIfNull(stored);
        return WalObjectName.TryParse(stored.Name, out var parts) ? new WalObject(parts.BareName(stored.Name), stored, parts) : null;
    }

    /// <summary>Which of two objects with the same content is read first: one that is not empty, then the likelier codec.</summary>
    public bool IsBetterThan(WalObject? other) =>
        other is null || (IsReadable && Object.Length > 0, -Parts.Rank).CompareTo((other.IsReadable && other.Object.Length > 0, -other.Parts.Rank)) > 0;
}
