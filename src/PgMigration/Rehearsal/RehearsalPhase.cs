namespace PgMigration;

/// <summary>One part of a rehearsal and what it took.</summary>
/// <param name="Name">What was done.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Bytes">How much data it moved or made; null where that says nothing.</param>
public sealed record RehearsalPhase(string Name, TimeSpan Duration, long? Bytes)
{
    /// <summary>Bytes a second; null where no bytes were counted.</summary>
    public double? BytesPerSecond => Bytes is { } bytes && Duration > TimeSpan.Zero ? bytes / Duration.TotalSeconds : null;
}
