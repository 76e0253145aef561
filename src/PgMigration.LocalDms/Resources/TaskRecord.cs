using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>A task as it is kept on disk.</summary>
internal sealed class TaskRecord
{
    /// <summary>Its name.</summary>
    public required string Identifier { get; set; }

    /// <summary>Its address.</summary>
    public required string Arn { get; init; }

    /// <summary>What its objects on the servers are named by: letters and digits that no other task has had.</summary>
    public required string Key { get; init; }

    /// <summary>The instance that it runs on; null for a serverless replication.</summary>
    public string? InstanceArn { get; init; }

    /// <summary>What a serverless replication says that it may use.</summary>
    public ComputeConfig? ComputeConfig { get; init; }

    /// <summary>Where rows come from.</summary>
    public required string SourceArn { get; init; }

    /// <summary>Where they go.</summary>
    public required string TargetArn { get; init; }

    /// <summary>full-load, cdc or full-load-and-cdc.</summary>
    public required string MigrationType { get; set; }

    /// <summary>Which tables, as JSON.</summary>
    public required string TableMappings { get; set; }

    /// <summary>The whole settings, as JSON.</summary>
    public required string Settings { get; set; }

    /// <summary>Where changes begin.</summary>
    public string? CdcStartPosition { get; set; }

    /// <summary>Where they end.</summary>
    public string? CdcStopPosition { get; set; }

    /// <summary>creating, ready, starting, running, stopping, stopped, failed, deleting, …</summary>
    public string Status { get; set; } = TaskStatus.Creating;

    /// <summary>Why it stopped.</summary>
    public string? StopReason { get; set; }

    /// <summary>Its last failure.</summary>
    public string? LastFailure { get; set; }

    /// <summary>Where it would go on.</summary>
    public string? RecoveryCheckpoint { get; set; }

    /// <summary>When it was made.</summary>
    public DateTime Created { get; init; } = DateTime.UtcNow;

    /// <summary>When it was last started.</summary>
    public DateTime? Started { get; set; }

    /// <summary>When it was last started from the beginning.</summary>
    public DateTime? FreshlyStarted { get; set; }

    /// <summary>When it stopped.</summary>
    public DateTime? Stopped { get; set; }

    /// <summary>When its load began.</summary>
    public DateTime? LoadBegan { get; set; }

    /// <summary>When its load ended.</summary>
    public DateTime? LoadEnded { get; set; }

    /// <summary>Whether the next run begins from nothing: tables, slot and progress.</summary>
    public bool BeginsAnew { get; set; } = true;

    /// <summary>Whether the stop after the load has been taken, so that the next run goes on.</summary>
    public bool HasStoppedAfterLoad { get; set; }

    /// <summary>The end of the changes that were committed during the load; zero while it is not known.</summary>
    public ulong CachedChangesEnd { get; set; }

    /// <summary>Its tables.</summary>
    public List<TableRun> Tables { get; set; } = [];

    /// <summary>Whether changes are moved.</summary>
    public bool MovesChanges => MigrationType != "full-load";

    /// <summary>Whether tables are loaded.</summary>
    public bool Loads => MigrationType != "cdc";
}
