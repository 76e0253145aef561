namespace PgMigration;

/// <summary>What the process of a local DMS says of itself once it listens.</summary>
/// <param name="ProcessId">Its process id.</param>
/// <param name="Port">The port on which it listens.</param>
internal sealed record LocalDmsProcess(int ProcessId, int Port);
