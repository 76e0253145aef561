namespace PgMigration;

/// <summary>What was seen when a fence was proven.</summary>
/// <param name="Seen">In words.</param>
/// <param name="Snapshot">The transactions that had ended by then, as txid_current_snapshot() prints them.</param>
public sealed record FenceProof(string Seen, string Snapshot);
