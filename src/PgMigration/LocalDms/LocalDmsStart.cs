namespace PgMigration;

/// <summary>What the process of a local DMS reads from its folder when it starts: secrets do not belong on a command line.</summary>
internal sealed record LocalDmsStart
{
    /// <summary>The port on 127.0.0.1.</summary>
    public required int Port { get; init; }

    /// <summary>The region that requests are signed for.</summary>
    public required string Region { get; init; }

    /// <summary>The key's id.</summary>
    public required string AccessKeyId { get; init; }

    /// <summary>The secret.</summary>
    public required string SecretAccessKey { get; init; }

    /// <summary>The token that must come with it; null for none.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Faults on demand, for tests.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>The key's id alone: a record would print every member.</summary>
    public override string ToString() => AccessKeyId;
}
