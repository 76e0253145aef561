namespace PgMigration;

/// <summary>Where the app runs by what a journal says, in words: what a person must know whose Ctrl-C ended a cutover.</summary>
internal static class AppLocation
{
    /// <summary>Describes it, with the command that continues or goes back where one is needed.</summary>
    /// <param name="entries">The journal's lines.</param>
    /// <param name="path">Its file.</param>
    /// <param name="source">The server that the app leaves.</param>
    /// <param name="target">The server that it goes to.</param>
    public static string Describe(IReadOnlyList<CutoverEntry> entries, string path, PgServer source, PgServer target)
    {
        if (entries is not [.., var last])
        {
            return $"Nothing was changed; the app runs on {source} as before.";
        }

        var facts = entries.Last(entry => entry.Facts is not null).Facts!;
        var current = entries.Skip(Math.Max(0, entries.ToList().FindLastIndex(entry => entry.Event == CutoverEvent.Planned))).ToList();
        bool returning = facts.Returning;
        string resume = $"Resume-Cutover -Journal '{path}'";
        bool undoing = current.Exists(entry => entry.Event == CutoverEvent.UndoBegun);
        string undo = $"Undo-Cutover -Journal '{path}'";
        string either = undoing ? $"Run {undo} to finish the undo." : $"Run {resume} to continue or {undo} to go back.";
        int Last(CutoverEvent what, string step) => current.FindLastIndex(entry => entry.Event == what && entry.Step == step);
        int paused = Math.Max(Last(CutoverEvent.Begun, returning ? nameof(PauseNewApp) : nameof(PauseApp)), Last(CutoverEvent.Failed, nameof(WatchApp)));
        int resumed = Math.Max(Last(CutoverEvent.Done, returning ? nameof(ResumeOldApp) : nameof(ResumeApp)), Last(CutoverEvent.Undone, returning ? nameof(PauseNewApp) : nameof(PauseApp)));
        bool opened = Last(CutoverEvent.Begun, nameof(OpenTarget)) >= 0 || (!current.Exists(entry => entry.Text?.Contains(nameof(OpenTarget), StringComparison.Ordinal) == true) && Last(CutoverEvent.Begun, nameof(RepointApp)) >= 0);
        return last.Event switch
        {
            CutoverEvent.CutOver => $"The app runs on {target}.",
            CutoverEvent.BackOnSource => $"{(paused < 0 && !returning ? "The app was not paused, and what was prepared is undone" : "Everything is undone")}; the app runs on {source}.",
            _ when returning => paused > resumed ? $"The app may be paused, on its way back to {source}. Run {undo}." : $"The app runs on {(resumed >= 0 && current[resumed].Event == CutoverEvent.Done ? source : target)}; the way back is not finished. Run {undo}.",
            _ when paused > resumed && opened => $"The app may be paused; {target} is the server to use now. Run {resume}.",
            _ when paused > resumed => $"The app may be paused and {source} fenced. {either}",
            _ when resumed >= 0 && current[resumed].Event == CutoverEvent.Done => $"The app runs on {target}; the cutover is not finished. Run {resume}.",
            _ => $"The app runs on {source}; the cutover is not finished. {either}",
        };
    }
}
