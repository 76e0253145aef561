namespace PgMigration.Wal;

/// <summary>Where a timeline left its parent, as its history says.</summary>
/// <param name="Timeline">The timeline.</param>
/// <param name="Parent">The one that it left.</param>
/// <param name="At">The position from which on it counts, as text.</param>
public sealed record TimelineFork(uint Timeline, uint Parent, string At)
{
    /// <summary>The position up to which a timeline is part of another one's past; null when it is not, as far as the forks tell.</summary>
    /// <param name="forks">What is known.</param>
    /// <param name="ancestor">The older timeline.</param>
    /// <param name="timeline">The newer one.</param>
    public static Lsn? Between(IReadOnlyCollection<TimelineFork> forks, uint ancestor, uint timeline)
    {
        Lsn? earliest = null;
        while (timeline > ancestor && forks.FirstOrDefault(fork => fork.Timeline == timeline) is { } fork && Lsn.TryParse(fork.At, null, out var at))
        {
            earliest = earliest is { } before && before < at ? before : at;
            timeline = fork.Parent;
        }

        return timeline == ancestor ? earliest : null;
    }
}
