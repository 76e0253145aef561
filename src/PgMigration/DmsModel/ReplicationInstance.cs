namespace PgMigration.DmsModel;

/// <summary>A machine that tasks run on.</summary>
public sealed record ReplicationInstance
{
    /// <summary>Its name.</summary>
    public string? ReplicationInstanceIdentifier { get; init; }

    /// <summary>Its size.</summary>
    public string? ReplicationInstanceClass { get; init; }

    /// <summary><c>creating</c>, <c>available</c>, <c>modifying</c>, <c>deleting</c>, <c>failed</c>, <c>storage-full</c> and others.</summary>
    public string? ReplicationInstanceStatus { get; init; }

    /// <summary>Its disk in GB.</summary>
    public int? AllocatedStorage { get; init; }

    /// <summary>When it was made.</summary>
    public DateTime? InstanceCreateTime { get; init; }

    /// <summary>Its security groups.</summary>
    public VpcSecurityGroupMembership[]? VpcSecurityGroups { get; init; }

    /// <summary>Its zone.</summary>
    public string? AvailabilityZone { get; init; }

    /// <summary>Its subnets.</summary>
    public ReplicationSubnetGroup? ReplicationSubnetGroup { get; init; }

    /// <summary>Whether a second one stands by.</summary>
    public bool? MultiAZ { get; init; }

    /// <summary>The version of DMS.</summary>
    public string? EngineVersion { get; init; }

    /// <summary>Its address in AWS.</summary>
    public string? ReplicationInstanceArn { get; init; }

    /// <summary>Its public addresses.</summary>
    public string[]? ReplicationInstancePublicIpAddresses { get; init; }

    /// <summary>Its private addresses: what pg_hba.conf must let in.</summary>
    public string[]? ReplicationInstancePrivateIpAddresses { get; init; }

    /// <summary>Whether it has a public address.</summary>
    public bool? PubliclyAccessible { get; init; }
}
