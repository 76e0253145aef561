namespace PgMigration.LocalDms;

/// <summary>The states of a task, in DMS's words.</summary>
internal static class TaskStatus
{
    /// <summary>It is being made.</summary>
    public const string Creating = "creating";

    /// <summary>It has never run.</summary>
    public const string Ready = "ready";

    /// <summary>It is about to run.</summary>
    public const string Starting = "starting";

    /// <summary>It runs; of its tables that says nothing.</summary>
    public const string Running = "running";

    /// <summary>It is about to stop.</summary>
    public const string Stopping = "stopping";

    /// <summary>It has stopped.</summary>
    public const string Stopped = "stopped";

    /// <summary>It has failed.</summary>
    public const string Failed = "failed";

    /// <summary>It is being changed.</summary>
    public const string Modifying = "modifying";

    /// <summary>Its assessment runs.</summary>
    public const string Testing = "testing";

    /// <summary>It is being removed.</summary>
    public const string Deleting = "deleting";
}
