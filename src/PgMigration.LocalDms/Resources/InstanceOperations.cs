using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>Operations on replication instances.</summary>
/// <param name="resources">The resources.</param>
internal sealed class InstanceOperations(Resources resources)
{
    private const int DefaultStorage = 50;

    /// <summary>Makes them known.</summary>
    public void AddTo(Operations operations)
    {
        operations.Add<CreateReplicationInstanceRequest>("CreateReplicationInstance", Create);
        operations.Add<DescribeReplicationInstancesRequest>("DescribeReplicationInstances", Describe);
        operations.Add<DeleteReplicationInstanceRequest>("DeleteReplicationInstance", Delete);
    }

    private CreateReplicationInstanceResponse Create(CreateReplicationInstanceRequest request)
    {
        string name = Identifiers.Check(request.ReplicationInstanceIdentifier, "replication instance");
        if (resources.Instances.Exists(instance => instance.Identifier == name))
        {
            throw Fault.AlreadyExists($"Replication instance '{name}' already exists.");
        }

        if (!request.ReplicationInstanceClass.StartsWith("dms.", StringComparison.Ordinal))
        {
            throw Fault.InvalidValue($"The replication instance class '{request.ReplicationInstanceClass}' is not valid; expected one such as dms.t3.medium.");
        }

        var record = new InstanceRecord
        {
            Identifier = name,
            Arn = resources.Arn.New("rep"),
            Class = request.ReplicationInstanceClass,
            AllocatedStorage = request.AllocatedStorage ?? DefaultStorage,
            MultiAZ = request.MultiAZ ?? false,
            PubliclyAccessible = request.PubliclyAccessible ?? true,
            EngineVersion = request.EngineVersion,
        };
        resources.Instances.Add(record);
        resources.Save();
        return new() { ReplicationInstance = Show(record, "creating") };
    }

    private DescribeReplicationInstancesResponse Describe(DescribeReplicationInstancesRequest request)
    {
        var found = Pages.Filter(resources.Instances, request.Filters, "replication instances",
            ("replication-instance-arn", instance => instance.Arn), ("replication-instance-id", instance => instance.Identifier), ("replication-instance-class", instance => instance.Class));
        var (page, marker) = Pages.Of(found, request.MaxRecords, request.Marker);
        return new() { ReplicationInstances = [.. page.Select(instance => Show(instance, "available"))], Marker = marker };
    }

    private DeleteReplicationInstanceResponse Delete(DeleteReplicationInstanceRequest request)
    {
        var record = resources.Instance(request.ReplicationInstanceArn);
        if (resources.Tasks.Any(task => task.Record.InstanceArn == record.Arn))
        {
            throw Fault.InvalidState($"Replication instance '{record.Identifier}' has one or more replication tasks.");
        }

        resources.Instances.Remove(record);
        resources.Connections.RemoveAll(connection => connection.InstanceArn == record.Arn);
        resources.Save();
        return new() { ReplicationInstance = Show(record, "deleting") };
    }

    private static ReplicationInstance Show(InstanceRecord record, string status) => new()
    {
        ReplicationInstanceIdentifier = record.Identifier,
        ReplicationInstanceArn = record.Arn,
        ReplicationInstanceClass = record.Class,
        ReplicationInstanceStatus = status,
        AllocatedStorage = record.AllocatedStorage,
        InstanceCreateTime = record.Created,
        MultiAZ = record.MultiAZ,
        PubliclyAccessible = record.PubliclyAccessible,
        EngineVersion = record.EngineVersion ?? "3.5.4",
        ReplicationInstancePrivateIpAddresses = ["127.0.0.1"],
    };
}
