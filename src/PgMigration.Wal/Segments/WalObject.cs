namespace PgMigration.Wal;

/// <summary>One object of <c>wal_005/</c>: a segment, a timeline's history, a partial segment, or a backup's note.</summary>
/// <param name="Name">What PostgreSQL calls it: the object's name without folder and codec.</param>
/// <param name="Object">The object as it is stored.</param>
public sealed record WalObject(string Name, ArchiveObject Object)
{
    /// <summary>The segment's name; null when it is none (nor a partial one).</summary>
    public WalSegmentName? Segment => WalSegmentName.TryParse(Name, out var segment) ? segment : null;

    /// <summary>The timeline, when it is a history file.</summary>
    public uint? HistoryOf => TimelineHistory.TryParseFileName(Name, out uint timeline) ? timeline : null;
}
