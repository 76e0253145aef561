namespace PgMigration;

/// <summary>One or more tasks of AWS DMS that copy a source's tables and follow its changes: what Start-PgDmsReplication returns.</summary>
public sealed class DmsLink : ReplicationLink
{
    private readonly DmsLagProbe _probe = new();

    /// <inheritdoc/>
    public override string Kind => "Dms";

    /// <summary>Its tasks.</summary>
    public required IReadOnlyList<DmsTaskName> Tasks { get; init => field = value.ToArray(); }

    /// <summary>The tasks' ARNs.</summary>
    public string[] TaskArns => [.. Tasks.Select(task => task.Arn)];

    /// <summary>The tasks' names, in the same order.</summary>
    public string[] TaskNames => [.. Tasks.Select(task => task.Identifier)];

    /// <summary>DMS's login on the source; null when it is not known.</summary>
    public string? SourceLogin => Logins.FirstOrDefault();

    /// <summary>The region that DMS runs in; null where only an endpoint is known.</summary>
    public string? Region => Access.Region;

    /// <summary>The endpoint of DMS where it is not AWS's own.</summary>
    public string? EndpointUrl => Access.Endpoint?.AbsoluteUri;

    /// <summary>How DMS is reached; it may hold keys, which are never shown.</summary>
    internal DmsAccess Access { get; init; } = new();

    /// <summary>DMS's logins on the source.</summary>
    internal string[] Logins => [.. Tasks.Select(task => task.Login).OfType<string>().Distinct()];

    /// <summary>Measures how far the target is behind its source.</summary>
    /// <remarks>
    /// End to end: a row of our own for each task is written on the source, where it is not still on its way from an earlier look, and looked for on
    /// the target. So an idle source has a lag of what one row takes, and a link that stands still one that grows. Bytes are those between the
    /// source's position and the newest beat that has arrived: what DMS has confirmed to its slot it need not have applied. The WAL that the source
    /// keeps for the slots, and the room it has, are part of the state. CloudWatch is not asked: its figures are a minute old and need another permission.
    /// </remarks>
    /// <param name="cancel">Ends the measurement.</param>
    public override Task<ReplicationLag> MeasureLagAsync(CancellationToken cancel = default) => _probe.MeasureAsync(this, cancel);

    /// <inheritdoc/>
    public override ReplicationLink WithSource(PgServer source) => new DmsLink { Source = source, Target = Target, Tasks = Tasks, Access = Access };

    /// <inheritdoc/>
    public override ReplicationLink WithTarget(PgServer target) => new DmsLink { Source = Source, Target = target, Tasks = Tasks, Access = Access };

    /// <summary>The same link with DMS reached another way: with the keys of this session.</summary>
    public DmsLink WithAccess(DmsAccess access) => new() { Source = Source, Target = Target, Tasks = Tasks, Access = access };

    /// <summary>A client of the DMS that has the tasks.</summary>
    internal DmsClient Connect() => new(Access);
}
