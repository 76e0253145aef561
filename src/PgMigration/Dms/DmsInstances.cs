using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>The machines that tasks run on.</summary>
internal static class DmsInstances
{
    /// <summary>The machine of a name or an ARN; null when there is none.</summary>
    public static async Task<ReplicationInstance?> FindAsync(DmsClient dms, string nameOrArn, CancellationToken cancel)
    {
        bool isArn = nameOrArn.StartsWith("arn:", StringComparison.Ordinal);
        var found = await DmsTasks.ListOrNoneAsync(() => dms.ListReplicationInstancesAsync([new Filter { Name = isArn ? "replication-instance-arn" : "replication-instance-id", Values = [nameOrArn] }], cancel));
        return found.FirstOrDefault() ?? (isArn ? throw new MigrationException("DmsResourceNotFound", MigrationErrorKind.NotFound, $"{dms.Access} has no replication instance {nameOrArn}.") : null);
    }

    /// <summary>The plan's machine, made if it is not there, and available.</summary>
    /// <exception cref="MigrationException"><c>DmsInstanceFailed</c>, <c>DmsWaitTimeout</c>.</exception>
    public static async Task<ReplicationInstance> FindOrCreateAsync(DmsClient dms, DmsPlan plan, IMigrationObserver observer, CancellationToken cancel)
    {
        var options = plan.Options;
        var instance = await FindAsync(dms, plan.InstanceName, cancel) ?? (await dms.CreateReplicationInstanceAsync(new CreateReplicationInstanceRequest
        {
            ReplicationInstanceIdentifier = plan.InstanceName,
            ReplicationInstanceClass = options.InstanceClass,
            AllocatedStorage = options.AllocatedStorage,
            MultiAZ = options.MultiAZ ? true : null,
            ReplicationSubnetGroupIdentifier = options.SubnetGroup,
            VpcSecurityGroupIds = options.SecurityGroups.Count == 0 ? null : [.. options.SecurityGroups],
            PubliclyAccessible = false,
            Tags = [new Tag { Key = "made-by", Value = "PgMigration" }],
        }, cancel)).ReplicationInstance!;
        string arn = instance.ReplicationInstanceArn!;
        return await DmsWait.UntilAsync($"Waiting for the replication instance {plan.InstanceName}",
            async () => await FindAsync(dms, arn, cancel) ?? instance,
            seen => seen.ReplicationInstanceStatus == "available" || (seen.ReplicationInstanceStatus is "failed" or "deleting" or "storage-full" or "incompatible-credentials" or "incompatible-network"
                ? throw new MigrationException("DmsInstanceFailed", MigrationErrorKind.InvalidOperation, $"The replication instance {plan.InstanceName} is {seen.ReplicationInstanceStatus}. See the DMS console; remove it, or name another with -ReplicationInstance.")
                : false),
            seen => seen.ReplicationInstanceStatus ?? "unknown", options.Timeout, observer, cancel);
    }
}
