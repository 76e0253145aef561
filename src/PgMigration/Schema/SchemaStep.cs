namespace PgMigration;

/// <summary>A row of the plan with what carries it out.</summary>
/// <param name="Row">What the engineer sees.</param>
/// <param name="Stage">When.</param>
internal sealed record SchemaStep(SchemaRow Row, SchemaStage Stage)
{
    /// <summary>What makes it, as a whole or not at all; null when nothing is to be made.</summary>
    public string? Sql { get; init; }

    /// <summary>The same with its owner, tried first.</summary>
    public string? SqlWithOwner { get; init; }

    /// <summary>A statement that no transaction may hold, run before <see cref="Sql"/>: CREATE INDEX CONCURRENTLY.</summary>
    public string? Alone { get; init; }

    /// <summary>Run first: drops what an interrupted run left half built. Also run when <see cref="Alone"/> fails.</summary>
    public string? Clear { get; init; }

    /// <summary>Run after everything of its stage was made, each in a transaction of its own: the long part, which locks out nobody.</summary>
    public IReadOnlyList<string> Then { get; init; } = [];

    /// <summary>Run when <see cref="Then"/> was interrupted.</summary>
    public string? Abandon { get; init; }

    /// <summary>The table, of which only one step at a time has its turn; null for no such bound.</summary>
    public string? Table { get; init; }

    /// <summary>The work to expect: the largest begin first.</summary>
    public long Bytes { get; init; }

    /// <summary>Whether a missing right means that it is left out rather than failed.</summary>
    public bool IsOptional { get; init; }
}
