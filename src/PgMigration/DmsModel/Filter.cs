namespace PgMigration.DmsModel;

/// <summary>Narrows a list.</summary>
public sealed record Filter
{
    /// <summary>By what, such as <c>replication-task-arn</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The values that fit.</summary>
    public required string[] Values { get; init; }
}
