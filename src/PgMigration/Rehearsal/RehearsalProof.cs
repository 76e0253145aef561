namespace PgMigration;

/// <summary>One thing that must hold after the cutover of a rehearsal.</summary>
/// <param name="Name">What must hold, as a sentence.</param>
/// <param name="Passed">Whether it does.</param>
/// <param name="Figure">How many cases speak against it; 0 when it holds.</param>
/// <param name="Detail">What was compared, or the first cases against it.</param>
public sealed record RehearsalProof(string Name, bool Passed, long Figure, string Detail)
{
    internal static RehearsalProof Of(string name, IReadOnlyCollection<string> against, string compared) =>
        new(name, against.Count == 0, against.Count, against.Count == 0 ? compared : string.Join("; ", against.Take(3)) + (against.Count > 3 ? " …" : string.Empty));
}
