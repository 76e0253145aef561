namespace PgMigration.DmsModel;

/// <summary>A security group that a machine belongs to.</summary>
public sealed record VpcSecurityGroupMembership
{
    /// <summary>The group.</summary>
    public string? VpcSecurityGroupId { get; init; }

    /// <summary><c>active</c>, or on its way.</summary>
    public string? Status { get; init; }
}
