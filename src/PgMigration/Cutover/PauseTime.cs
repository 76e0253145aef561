namespace PgMigration;

/// <summary>How long the app was paused, by a cutover's journal: also where one session paused it and another, on another machine, let it continue.</summary>
internal static class PauseTime
{
    /// <summary>From each begin of a pause to its end, together; null when none has ended.</summary>
    /// <remarks>A pause that is begun again while it lasts (a resume does) began the first time. Clocks of two machines are compared by the target's.</remarks>
    /// <param name="entries">The journal's lines about one plan.</param>
    /// <param name="pause">The step that pauses the app.</param>
    /// <param name="resume">The step that lets it continue.</param>
    public static TimeSpan? Of(IEnumerable<CutoverEntry> entries, string pause, string resume)
    {
        TimeSpan? total = null;
        (DateTime At, TimeSpan? Ahead)? since = null;
        TimeSpan? ahead = null;
        foreach (var entry in entries)
        {
            ahead = entry.Facts is { } facts ? facts.TargetClockAhead : ahead;
            if ((entry.Event == CutoverEvent.Begun && entry.Step == pause) || (entry.Event == CutoverEvent.Failed && entry.Step == nameof(WatchApp)))
            {
                since ??= (entry.At, ahead);
            }
            else if (since is { } began && ((entry.Event == CutoverEvent.Done && entry.Step == resume) || (entry.Event == CutoverEvent.Undone && entry.Step == pause)))
            {
                var difference = ahead is { } here && began.Ahead is { } there ? here - there : TimeSpan.Zero;
                var took = entry.At - began.At + difference;
                total = (total ?? TimeSpan.Zero) + (took > TimeSpan.Zero ? took : TimeSpan.Zero);
                since = null;
            }
        }

        return total;
    }
}
