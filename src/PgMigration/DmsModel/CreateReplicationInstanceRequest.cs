namespace PgMigration.DmsModel;

/// <summary>Asks for a machine that tasks run on.</summary>
public sealed record CreateReplicationInstanceRequest
{
    /// <summary>Its name: letters, digits and hyphens.</summary>
    public required string ReplicationInstanceIdentifier { get; init; }

    /// <summary>Its size, such as <c>dms.r6i.xlarge</c>.</summary>
    public required string ReplicationInstanceClass { get; init; }

    /// <summary>Its disk in GB, for logs and changes that wait.</summary>
    public int? AllocatedStorage { get; init; }

    /// <summary>The security groups of its network interface.</summary>
    public string[]? VpcSecurityGroupIds { get; init; }

    /// <summary>The zone it runs in.</summary>
    public string? AvailabilityZone { get; init; }

    /// <summary>The subnets it may use.</summary>
    public string? ReplicationSubnetGroupIdentifier { get; init; }

    /// <summary>Whether a second one stands by in another zone.</summary>
    public bool? MultiAZ { get; init; }

    /// <summary>The version of DMS.</summary>
    public string? EngineVersion { get; init; }

    /// <summary>Whether it has a public address.</summary>
    public bool? PubliclyAccessible { get; init; }

    /// <summary>The key that encrypts its disk.</summary>
    public string? KmsKeyId { get; init; }

    /// <summary>Labels for the bill and for those who look for it.</summary>
    public Tag[]? Tags { get; init; }
}
