namespace PgMigration;

/// <summary>What is rehearsed, and where.</summary>
public sealed record RehearsalOptions
{
    /// <summary>Which legs.</summary>
    public RehearsalLeg Leg { get; init; } = RehearsalLeg.Both;

    /// <summary>An accident to replay in the second leg.</summary>
    public RehearsalIncident Incident { get; init; }

    /// <summary>About how large the database is made, in bytes.</summary>
    public long DataSize { get; init; } = 300_000_000;

    /// <summary>How busy the app is.</summary>
    public RehearsalAppOptions App { get; init; } = new();

    /// <summary>How long the app runs on the new server before it is stopped and the proofs are made.</summary>
    public TimeSpan Soak { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long the restored server follows at least, while the app writes, before the cutover begins.</summary>
    public TimeSpan Follow { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The cutover begins when the link is at most so many bytes behind. Less than a segment cannot be asked of an archive.</summary>
    public long LagBelow { get; init; } = 20_000_000;

    /// <summary>A folder for everything, which must not exist yet or be empty; null for a fresh one under the temp path.</summary>
    public string? Path { get; init; }

    /// <summary>Leave the files in place, with all servers stopped.</summary>
    public bool Keep { get; init; }

    /// <summary>The folder of the PostgreSQL programs; null to find them.</summary>
    public string? PostgresBin { get; init; }

    /// <summary>The folder of the native programs of a restore; null to look beside this library.</summary>
    public string? ProgramFolder { get; init; }

    /// <summary>The folder of the local DMS; null to look beside this library.</summary>
    public string? DmsProgramFolder { get; init; }

    /// <summary>Who runs the servers.</summary>
    public OSUser User { get; init; } = OSUser.Default;
}
