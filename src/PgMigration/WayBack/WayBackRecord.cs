namespace PgMigration;

/// <summary>What a cutover made so that the old server follows the new one; kept in the journal. No secret: the role's password lives in the subscription alone.</summary>
/// <param name="Tables">The tables that are followed, quoted and qualified.</param>
/// <param name="MadeFull">Those among them without a key, which now log their whole rows (REPLICA IDENTITY FULL), with what they had before (<c>d</c> or <c>n</c>).</param>
/// <param name="LeftOut">The tables that cannot be followed.</param>
public sealed record WayBackRecord(IReadOnlyList<string> Tables, IReadOnlyDictionary<string, string> MadeFull, IReadOnlyList<string> LeftOut)
{
    /// <summary>How much had been written to what is not carried when the promoted target was not open yet; null before that. Empty where the server's counts prove nothing.</summary>
    public IReadOnlyDictionary<string, string>? Counts { get; init; }

    /// <summary>The name of publication, slot, subscription and role.</summary>
    public const string Name = "pgmigration_back";
}
