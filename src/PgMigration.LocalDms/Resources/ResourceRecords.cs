namespace PgMigration.LocalDms;

/// <summary>What the process knows besides tasks, as one file holds it.</summary>
internal sealed class ResourceRecords
{
    /// <summary>The instances.</summary>
    public List<InstanceRecord> Instances { get; init; } = [];

    /// <summary>The endpoints.</summary>
    public List<EndpointRecord> Endpoints { get; init; } = [];

    /// <summary>The tests of connections.</summary>
    public List<ConnectionRecord> Connections { get; init; } = [];
}
