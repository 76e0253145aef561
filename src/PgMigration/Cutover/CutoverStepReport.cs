namespace PgMigration;

/// <summary>What one step took and proved.</summary>
/// <param name="Step">The step.</param>
/// <param name="Time">How long it took.</param>
/// <param name="Proof">What was seen that proves it.</param>
public sealed record CutoverStepReport(string Step, TimeSpan Time, string Proof);
