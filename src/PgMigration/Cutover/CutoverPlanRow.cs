namespace PgMigration;

/// <summary>One step of a plan, in words.</summary>
/// <param name="Number">Its place, from 1.</param>
/// <param name="Step">Its name in the journal.</param>
/// <param name="Effect">What it does.</param>
/// <param name="Undo">What taking it back does.</param>
/// <param name="Mark">Whether it is the promotion or the point of no return.</param>
public sealed record CutoverPlanRow(int Number, string Step, string Effect, string Undo, CutoverMark Mark);
