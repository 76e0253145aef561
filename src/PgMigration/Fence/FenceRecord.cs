namespace PgMigration;

/// <summary>What a fence found and changed: enough to lift it exactly, on the source or on a target that inherited it.</summary>
/// <param name="Database">The fenced database.</param>
/// <param name="Grants">Every right to write that was there and bound somebody.</param>
/// <param name="Settings">The read-only defaults that were changed.</param>
public sealed record FenceRecord(string Database, IReadOnlyList<FencedGrant> Grants, IReadOnlyList<FencedSetting> Settings);
