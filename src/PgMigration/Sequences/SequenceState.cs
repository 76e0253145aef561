namespace PgMigration;

/// <summary>A sequence as the catalog and its own relation have it.</summary>
internal sealed record SequenceState
{
    public required string Schema { get; init; }

    public required string Name { get; init; }

    /// <summary>Schema and name as SQL takes them.</summary>
    public required string QuotedName { get; init; }

    public required string DataType { get; init; }

    public required long Start { get; init; }

    public required long Increment { get; init; }

    public required long Minimum { get; init; }

    public required long Maximum { get; init; }

    public required long Cache { get; init; }

    public required bool Cycles { get; init; }

    public required string Owner { get; init; }

    /// <summary>Whether some column owns it.</summary>
    public bool IsOwned { get; init; }

    /// <summary>last_value; null when the login may not read it.</summary>
    public long? LastValue { get; set; }

    public bool IsCalled { get; set; }

    /// <summary>Why its value is not known; null when it is.</summary>
    public string? Problem { get; set; }
}
