namespace PgMigration;

/// <summary>How busy the rehearsal's app is.</summary>
public sealed record RehearsalAppOptions
{
    /// <summary>Writers through the pooler, at least 3: one commits asynchronously, one uses prepared statements in longer transactions. One more goes straight to the old server.</summary>
    public int Writers { get; init; } = 8;

    /// <summary>Readers through the pooler.</summary>
    public int Readers { get; init; } = 2;

    /// <summary>About how many transactions all writers together commit in a second, if the server can.</summary>
    public int CommitsPerSecond { get; init; } = 1000;
}
