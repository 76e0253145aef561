namespace PgMigration.LocalDms;

/// <summary>What ends a task: nothing that waiting would mend.</summary>
/// <param name="message">What DescribeReplicationTasks shows as LastFailureMessage.</param>
/// <param name="cause">What led to it.</param>
internal sealed class TaskFailure(string message, Exception? cause = null) : Exception(message, cause);
