namespace PgMigration;

/// <summary>One line of a journal.</summary>
/// <param name="At">When it was written, in UTC.</param>
/// <param name="Event">What it says.</param>
/// <param name="Step">The step's name; null for lines about the whole.</param>
/// <param name="Text">The proof, the reason of a failure, or the steps.</param>
/// <param name="Facts">Everything known at that moment; null where nothing new was learnt.</param>
public sealed record CutoverEntry(DateTime At, CutoverEvent Event, string? Step, string? Text, CutoverFacts? Facts);
