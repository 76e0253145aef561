namespace PgMigration;

/// <summary>The limits of a cutover. A deadline ends in "no", never in "go".</summary>
public sealed record CutoverOptions
{
    /// <summary>The largest lag with which the cutover begins, in bytes of WAL. The segment being written is not in the archive yet, so a bound below two segments may never be met.</summary>
    public long MaxLagBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>How long the app may be paused before the cutover gives up and lets it go on at the source.</summary>
    public TimeSpan MaxPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the pooler may take to finish the app's open transactions.</summary>
    public TimeSpan PauseTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long transactions that this login cannot end may take to finish once the fence is up.</summary>
    public TimeSpan FenceTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the promotion may take.</summary>
    public TimeSpan PromoteTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The target as the app reaches it; null to take what the link knows.</summary>
    public PgServer? AppTarget { get; init; }

    /// <summary>Further checks that must pass before the first step.</summary>
    public IReadOnlyList<MigrationGate> Gates { get; init; } = [];
}
