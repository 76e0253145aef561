using System.Buffers;
using System.Globalization;

namespace PgMigration.Wal;

/// <summary>Where a timeline comes from: its ancestors, and the position at which each was left for the next.</summary>
/// <remarks>Source: readTimeLineHistory and tliOfPointInHistory in PostgreSQL's src/backend/access/transam/timeline.c.</remarks>
public sealed class TimelineHistory
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789ABCDEF");
    private readonly List<(uint Timeline, Lsn Switch)> _ancestors;

    private TimelineHistory(uint timeline, List<(uint Timeline, Lsn Switch)> ancestors)
    {
        Timeline = timeline;
        _ancestors = ancestors;
    }

    /// <summary>The timeline whose history this is.</summary>
    public uint Timeline { get; }

    /// <summary>Its ancestors, oldest first, each with the position at which it was left.</summary>
    public IReadOnlyList<(uint Timeline, Lsn Switch)> Ancestors => _ancestors;

    /// <summary>The history of a timeline without ancestors.</summary>
    public static TimelineHistory First(uint timeline = 1) => new(timeline, []);

    /// <summary>The name of a timeline's history file: <c>00000002.history</c>.</summary>
    public static string FileName(uint timeline) => string.Create(CultureInfo.InvariantCulture, $"{timeline:X8}.history");

    /// <summary>The timeline that a history file's name tells; false for any other name.</summary>
    public static bool TryParseFileName(ReadOnlySpan<char> name, out uint timeline)
    {
        timeline = 0;
        return name.Length == 16 && name.EndsWith(".history", StringComparison.Ordinal) && !name[..8].ContainsAnyExcept(Digits)
            && uint.TryParse(name[..8], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out timeline);
    }

    /// <summary>Reads a history file.</summary>
    /// <param name="timeline">The timeline in the file's name.</param>
    /// <param name="text">Lines of: parent timeline, position of the switch, reason.</param>
    /// <exception cref="MigrationException"><c>HistoryInvalid</c>.</exception>
    public static TimelineHistory Parse(uint timeline, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ancestors = new List<(uint Timeline, Lsn Switch)>();
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split((char[])[' ', '\t', '\r'], 3, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0][0] == '#')
            {
                continue;
            }

            if (words.Length < 2 || !uint.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out uint parent) || !Lsn.TryParse(words[1], null, out var at))
            {
                throw Invalid(timeline, $"its line '{line.Trim()}' is not a timeline and the position at which it was left");
            }

            if (parent >= timeline || (ancestors.Count > 0 && parent <= ancestors[^1].Timeline))
            {
                throw Invalid(timeline, $"timeline {parent} is out of order");
            }

            ancestors.Add((parent, at));
        }

        return timeline > 1 && ancestors.Count == 0 ? throw Invalid(timeline, "it names no parent") : new TimelineHistory(timeline, ancestors);
    }

    /// <summary>The timeline that this one's log was on at a position.</summary>
    public uint TimelineAt(Lsn position)
    {
        foreach (var (timeline, left) in _ancestors)
        {
            if (position < left)
            {
                return timeline;
            }
        }

        return Timeline;
    }

    /// <summary>Whether it is this timeline or one of its ancestors.</summary>
    public bool Includes(uint timeline) => timeline == Timeline || _ancestors.Exists(ancestor => ancestor.Timeline == timeline);

    /// <summary>Whether the log of a timeline up to a position is part of this one's.</summary>
    /// <param name="timeline">This timeline or another one.</param>
    /// <param name="position">How far the other one was followed.</param>
    public bool Contains(uint timeline, Lsn position) =>
        timeline == Timeline || _ancestors.Exists(ancestor => ancestor.Timeline == timeline && position <= ancestor.Switch);

    /// <summary>
    /// The history file of a timeline between this one and its past, as this one's history tells it. PostgreSQL looks for histories one number
    /// after the other and stops at the first that is not there (findNewestTimeLine in timeline.c), so it never finds timeline 3 where no
    /// 2 was archived; of those in between it reads no more than that they are there.
    /// </summary>
    /// <param name="timeline">A smaller number than this timeline's.</param>
    /// <returns>Null when this history has no timeline before that number.</returns>
    public string? StandInFor(uint timeline)
    {
        var before = _ancestors.FindAll(ancestor => ancestor.Timeline < timeline);
        return before.Count == 0 || timeline >= Timeline ? null
            : string.Concat(before.Select(ancestor => string.Create(CultureInfo.InvariantCulture, $"{ancestor.Timeline}\t{ancestor.Switch}\tas the history of timeline {Timeline} says; {FileName(timeline)} is not in the archive\n")));
    }

    private static MigrationException Invalid(uint timeline, string why) => new("HistoryInvalid", MigrationErrorKind.InvalidData,
        $"The history file {FileName(timeline)} is damaged: {why}.");
}
