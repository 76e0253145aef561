namespace PgMigration;

/// <summary>What a replication by DMS is to move, and how.</summary>
public sealed record DmsReplicationOptions
{
    /// <summary>The begin of the names of all that is made; null for <c>pgmigration-</c> and the source's database.</summary>
    public string? Name { get; init; }

    /// <summary>Schemas, with the wildcards * and ?; all but the system's by default.</summary>
    public IReadOnlyList<string> Schemas { get; init; } = ["*"];

    /// <summary>Tables, as <c>table</c> or <c>schema.table</c>, with wildcards; all by default.</summary>
    public IReadOnlyList<string> Tables { get; init; } = ["*"];

    /// <summary>Tables to leave out, in the same form.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>How many tasks share the tables, by size.</summary>
    public int TaskCount { get; init; } = 1;

    /// <summary>The machine to run on: an ARN, or the identifier of one that there is. Null for one of the same name as the rest, which is made if it is not there.</summary>
    public string? ReplicationInstance { get; init; }

    /// <summary>The class of a machine that is made.</summary>
    public string InstanceClass { get; init; } = "dms.r6i.large";

    /// <summary>Its disk in GB.</summary>
    public int AllocatedStorage { get; init; } = 100;

    /// <summary>Whether a second one stands by in another zone.</summary>
    public bool MultiAZ { get; init; }

    /// <summary>The subnets it may use; null for the account's default.</summary>
    public string? SubnetGroup { get; init; }

    /// <summary>Its security groups; empty for the network's default.</summary>
    public IReadOnlyList<string> SecurityGroups { get; init; } = [];

    /// <summary>The source as DMS reaches it, with DMS's own login there; null for the source itself.</summary>
    public PgServer? SourceForDms { get; init; }

    /// <summary>The target as DMS reaches it; null for the target itself.</summary>
    public PgServer? TargetForDms { get; init; }

    /// <summary>A secret in Secrets Manager with the source's host, port, user and password; null to give DMS the password.</summary>
    public string? SourceSecret { get; init; }

    /// <summary>The same for the target.</summary>
    public string? TargetSecret { get; init; }

    /// <summary>The role with which DMS reads those secrets.</summary>
    public string? SecretRole { get; init; }

    /// <summary>An endpoint that there is, by its ARN, in place of one for the source.</summary>
    public string? SourceEndpointArn { get; init; }

    /// <summary>An endpoint that there is, by its ARN, in place of one for the target.</summary>
    public string? TargetEndpointArn { get; init; }

    /// <summary>Tasks that there are, by their ARNs: they are adopted as they are, and nothing is made.</summary>
    public IReadOnlyList<string> TaskArns { get; init; } = [];

    /// <summary>The largest LOB in KB; null to measure it in the source, which reads every such column once.</summary>
    public int? LobMaxSize { get; init; }

    /// <summary>How many tables, or ranges of one, a task loads at a time: at most 49.</summary>
    public int MaxFullLoadSubTasks { get; init; } = 8;

    /// <summary>The size from which a table is loaded in several ranges of its primary key, in bytes.</summary>
    public long ParallelLoadFrom { get; init; } = 4L << 30;

    /// <summary>Whether DMS compares rows as well.</summary>
    public bool Validate { get; init; } = true;

    /// <summary>Whether tables that have neither a primary key nor full replica identity are moved: their updates and deletes are not.</summary>
    public bool AllowNoPrimaryKey { get; init; }

    /// <summary>How long a machine, a test of a connection or a task may take to get ready.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(30);
}
