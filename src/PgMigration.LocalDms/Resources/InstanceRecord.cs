namespace PgMigration.LocalDms;

/// <summary>A replication instance as it is kept on disk. All of them are this process.</summary>
internal sealed class InstanceRecord
{
    /// <summary>Its name.</summary>
    public required string Identifier { get; init; }

    /// <summary>Its address.</summary>
    public required string Arn { get; init; }

    /// <summary>Its class, such as dms.t3.medium.</summary>
    public required string Class { get; init; }

    /// <summary>Its storage in GB.</summary>
    public int AllocatedStorage { get; init; }

    /// <summary>Whether it has a standby, or is said to.</summary>
    public bool MultiAZ { get; init; }

    /// <summary>Whether it has a public address, or is said to.</summary>
    public bool PubliclyAccessible { get; init; }

    /// <summary>The version of the engine that it was asked for.</summary>
    public string? EngineVersion { get; init; }

    /// <summary>When it was made.</summary>
    public DateTime Created { get; init; } = DateTime.UtcNow;
}
