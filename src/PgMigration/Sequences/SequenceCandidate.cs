namespace PgMigration;

/// <summary>A column that takes from no sequence.</summary>
/// <param name="Column">The column.</param>
/// <param name="Default">Its default, which has no sequence in it; null for none.</param>
/// <param name="IsGenerated">Whether it is computed from other columns.</param>
/// <param name="IsOnSource">Whether the source has a sequence behind it; else the naming rule found it.</param>
internal sealed record SequenceCandidate(SequenceColumn Column, string? Default, bool IsGenerated, bool IsOnSource);
