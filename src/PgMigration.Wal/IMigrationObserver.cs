namespace PgMigration;

/// <summary>Who watches long work: a cmdlet, a test, a rehearsal. Its methods may be called from any thread.</summary>
public interface IMigrationObserver
{
    /// <summary>Nobody watches.</summary>
    static IMigrationObserver None { get; } = new NullObserver();

    /// <summary>How far the work is. May be called often; the observer decides what to show.</summary>
    void Progress(MigrationProgress progress);

    /// <summary>Something that the engineer must know although the work goes on.</summary>
    void Warning(string message);

    /// <summary>A detail for those who asked for details.</summary>
    void Verbose(string message);

    private sealed class NullObserver : IMigrationObserver
    {
        public void Progress(MigrationProgress progress)
        {
        }

        public void Warning(string message)
        {
        }

        public void Verbose(string message)
        {
        }
    }
}
