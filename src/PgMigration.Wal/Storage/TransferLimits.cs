namespace PgMigration.Wal;

/// <summary>How long a transfer may stall, and how long it is tried again before it counts as failed.</summary>
public sealed record TransferLimits
{
    /// <summary>What is used when nothing else is said.</summary>
    public static TransferLimits Default { get; } = new();

    /// <summary>How long one read, or the wait for an answer, may bring nothing before the connection is given up and made anew.</summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long attempts go on without a byte of progress before the transfer fails.</summary>
    public TimeSpan RetryBudget { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The same while the service has never answered: a wrong endpoint should not take minutes to be told.</summary>
    public TimeSpan FirstContactBudget { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The pause after the first failure; it doubles with each further one.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause between two attempts.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(10);
}
