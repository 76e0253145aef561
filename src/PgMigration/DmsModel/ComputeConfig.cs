namespace PgMigration.DmsModel;

/// <summary>What a serverless replication may use.</summary>
public sealed record ComputeConfig
{
    /// <summary>At most so many units of 2 GB of memory: 1 to 384.</summary>
    public int? MaxCapacityUnits { get; init; }

    /// <summary>At least so many; null to let DMS decide.</summary>
    public int? MinCapacityUnits { get; init; }

    /// <summary>Whether there is a standby in another zone.</summary>
    public bool? MultiAZ { get; init; }

    /// <summary>The zone.</summary>
    public string? AvailabilityZone { get; init; }

    /// <summary>The key that encrypts what is kept.</summary>
    public string? KmsKeyId { get; init; }

    /// <summary>The subnets.</summary>
    public string? ReplicationSubnetGroupId { get; init; }

    /// <summary>The security groups.</summary>
    public string[]? VpcSecurityGroupIds { get; init; }
}
