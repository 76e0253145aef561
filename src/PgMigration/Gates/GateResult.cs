namespace PgMigration;

/// <summary>What a gate answered.</summary>
/// <param name="Name">The gate.</param>
/// <param name="Passed">Yes or no. What is late, silent or not understood is a no.</param>
/// <param name="Seen">What was seen, in a few words; never a secret.</param>
/// <param name="Expected">What had to be seen.</param>
/// <param name="Took">How long the answer took, all looks together.</param>
public sealed record GateResult(string Name, bool Passed, string Seen, string Expected, TimeSpan Took)
{
    /// <summary>A sentence: what was seen, and for a no what was expected.</summary>
    public string Reason => Passed ? $"it saw {Seen}." : $"it saw {Seen.TrimEnd('.')}; expected {Expected}.";
}
