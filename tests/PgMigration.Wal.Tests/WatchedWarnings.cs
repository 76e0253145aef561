namespace PgMigration.Wal;

/// <summary>Keeps what it is told.</summary>
internal sealed class WatchedWarnings : IMigrationObserver
{
    public List<string> Warnings { get; } = [];

    public void Progress(MigrationProgress progress)
    {
    }

    public void Warning(string message)
    {
        lock (Warnings)
        {
            Warnings.Add(message);
        }
    }

    public void Verbose(string message)
    {
    }
}
