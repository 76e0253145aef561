namespace PgMigration.LocalDms;

/// <summary>Keeps a task's record and log on disk.</summary>
internal interface ITaskKeeper
{
    /// <summary>The record changed; soon is early enough.</summary>
    void Changed();

    /// <summary>The record changed, and must be on disk before anything else is done.</summary>
    void Save();

    /// <summary>Writes a line into the log.</summary>
    void Log(string line);
}
