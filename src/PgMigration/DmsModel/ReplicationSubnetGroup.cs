namespace PgMigration.DmsModel;

/// <summary>The subnets that a machine may use.</summary>
public sealed record ReplicationSubnetGroup
{
    /// <summary>Its name.</summary>
    public string? ReplicationSubnetGroupIdentifier { get; init; }

    /// <summary>What somebody wrote about it.</summary>
    public string? ReplicationSubnetGroupDescription { get; init; }

    /// <summary>Its network.</summary>
    public string? VpcId { get; init; }

    /// <summary><c>Complete</c>, when it can be used.</summary>
    public string? SubnetGroupStatus { get; init; }
}
