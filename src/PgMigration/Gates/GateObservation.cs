namespace PgMigration;

/// <summary>What one look of a gate saw.</summary>
/// <param name="Passed">Whether that is a yes.</param>
/// <param name="Seen">What it was, in a few words; never a secret.</param>
public readonly record struct GateObservation(bool Passed, string Seen)
{
    /// <summary>A no, with what was seen instead.</summary>
    public static GateObservation No(string seen) => new(false, seen);
}
