namespace PgMigration.DmsModel;

/// <summary>How far a serverless replication is.</summary>
public sealed record ReplicationStats
{
    /// <summary>The full load, 0 to 100.</summary>
    public int? FullLoadProgressPercent { get; init; }

    /// <summary>How long it has run, in milliseconds.</summary>
    public long? ElapsedTimeMillis { get; init; }

    /// <summary>Tables that are loaded.</summary>
    public int? TablesLoaded { get; init; }

    /// <summary>Tables that are being loaded.</summary>
    public int? TablesLoading { get; init; }

    /// <summary>Tables that wait.</summary>
    public int? TablesQueued { get; init; }

    /// <summary>Tables in error.</summary>
    public int? TablesErrored { get; init; }

    /// <summary>When it was started or reloaded.</summary>
    public DateTime? FreshStartDate { get; init; }

    /// <summary>When it was last started or resumed.</summary>
    public DateTime? StartDate { get; init; }

    /// <summary>When it stopped.</summary>
    public DateTime? StopDate { get; init; }

    /// <summary>When the full load began.</summary>
    public DateTime? FullLoadStartDate { get; init; }

    /// <summary>When it was done.</summary>
    public DateTime? FullLoadFinishDate { get; init; }
}
