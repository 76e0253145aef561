using System.Collections.Concurrent;

namespace PgMigration.Tests;

/// <summary>Keeps what a person would have been warned of.</summary>
internal sealed class RecordedObserver : IMigrationObserver
{
    public ConcurrentQueue<string> Warnings { get; } = [];

    public void Progress(MigrationProgress progress)
    {
    }

    public void Warning(string message) => Warnings.Enqueue(message);

    public void Verbose(string message)
    {
    }
}
