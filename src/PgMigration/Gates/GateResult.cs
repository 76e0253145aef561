namespace PgMigration;

/// <summary>What a gate answered.</summary>
/// <param name="Name">The gate.</param>
/// <param name="Passed">Yes or no.</param>
/// <param name="Reason">A sentence: what was seen, and for a no what was expected and what to do.</param>
public sealed record GateResult(string Name, bool Passed, string Reason);
