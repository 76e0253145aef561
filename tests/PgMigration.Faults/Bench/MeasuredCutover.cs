namespace PgMigration.Faults;

/// <summary>What one cutover cost.</summary>
/// <param name="Gap">The app's longest gap between two acknowledged commits.</param>
/// <param name="Parts">What its parts took, in seconds, in order.</param>
/// <param name="Errors">Errors that reached the app through the pooler.</param>
/// <param name="Rate">Commits a second that the app had before it.</param>
internal sealed record MeasuredCutover(TimeSpan Gap, IReadOnlyList<(string Part, double Seconds)> Parts, int Errors, double Rate);
