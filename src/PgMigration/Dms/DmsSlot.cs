namespace PgMigration;

/// <summary>A replication slot that DMS has on the source, and the WAL that it keeps there.</summary>
/// <param name="Name">The slot.</param>
/// <param name="IsActive">Whether DMS is connected to it.</param>
/// <param name="Confirmed">Up to where DMS has said that it needs nothing any more.</param>
/// <param name="HeldBytes">Bytes of WAL that the source keeps for it.</param>
/// <param name="SafeBytes">Bytes that may still be written before it is lost to max_slot_wal_keep_size; null when nothing limits it, or before PostgreSQL 13.</param>
/// <param name="IsLost">Whether WAL that it needs is gone: its tables must be loaded anew.</param>
public sealed record DmsSlot(string Name, bool IsActive, Lsn? Confirmed, long HeldBytes, long? SafeBytes, bool IsLost);
