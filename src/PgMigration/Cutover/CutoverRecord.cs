namespace PgMigration;

/// <summary>A cutover as its journal tells it.</summary>
/// <param name="Journal">The file.</param>
/// <param name="StartedAt">When it was planned, in UTC.</param>
/// <param name="Source">The server that the app leaves.</param>
/// <param name="Target">The server it goes to.</param>
/// <param name="Outcome">How it ended, or Unfinished.</param>
/// <param name="LastStep">The last step that the journal names.</param>
/// <param name="LastEvent">What it says of it.</param>
/// <param name="Reason">Why it failed, if it did.</param>
/// <param name="Entries">Every line.</param>
public sealed record CutoverRecord(
    string Journal, DateTime StartedAt, string Source, string Target, CutoverOutcome Outcome, string? LastStep, CutoverEvent LastEvent, string? Reason, IReadOnlyList<CutoverEntry> Entries)
{
    /// <summary>Every line.</summary>
    public IReadOnlyList<CutoverEntry> Entries { get; init => field = value.ToArray(); } = Entries.ToArray();

    /// <summary>The cutovers of a folder, newest first; journals that cannot be read are told to the observer.</summary>
    public static IEnumerable<CutoverRecord> List(string folder, IMigrationObserver observer)
    {
        if (!Directory.Exists(folder))
        {
            yield break;
        }

        foreach (string path in Directory.EnumerateFiles(folder, "*.journal").OrderByDescending(Path.GetFileName, StringComparer.Ordinal))
        {
            CutoverRecord? record = null;
            try
            {
                record = Read(path);
            }
            catch (Exception error) when (error is MigrationException or IOException or UnauthorizedAccessException)
            {
                observer.Warning(error.Message);
            }

            if (record is not null)
            {
                yield return record;
            }
        }
    }

    /// <summary>Reads one journal, which another session may be writing.</summary>
    /// <exception cref="MigrationException"><c>JournalNotFound</c>, <c>JournalDamaged</c>.</exception>
    public static CutoverRecord Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new MigrationException("JournalNotFound", MigrationErrorKind.NotFound, $"There is no journal {path}. Get-Cutover without -Journal lists those in {CutoverJournal.DefaultFolder}.");
        }

        var entries = CutoverJournal.Read(path);
        if (entries is not [{ Event: CutoverEvent.Planned, Facts: { } facts } first, ..])
        {
            throw CutoverJournal.NoPlan(path);
        }

        var step = entries.LastOrDefault(entry => entry.Step is not null);
        return new CutoverRecord(path, first.At, facts.Source, facts.Target,
            entries[^1].Event switch { CutoverEvent.CutOver => CutoverOutcome.CutOver, CutoverEvent.BackOnSource => CutoverOutcome.BackOnSource, _ => CutoverOutcome.Unfinished },
            step?.Step, entries[^1].Event, entries.LastOrDefault(entry => entry.Event is CutoverEvent.Failed or CutoverEvent.UndoFailed)?.Text, entries);
    }
}
