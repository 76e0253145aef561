namespace PgMigration;

/// <summary>A row of the plan with what carries it out.</summary>
/// <param name="Row">What the engineer sees.</param>
/// <param name="Statements">The changes of the catalog, run as one; empty for none.</param>
/// <param name="MoveTo">Where the sequence must stand at least; null to leave it.</param>
/// <param name="Increment">Its step.</param>
/// <param name="Own">Where it stood when the plan was made.</param>
internal sealed record SequenceStep(SequenceRepairRow Row, IReadOnlyList<string> Statements, long? MoveTo, long Increment, long Own);
