namespace PgMigration;

/// <summary>What a repair does, or would do, for one column and its sequence.</summary>
public sealed record SequenceRepairRow
{
    /// <summary>The table's schema; the sequence's own when no column takes from it.</summary>
    public required string Schema { get; init; }

    /// <summary>The table; null when no column takes from the sequence.</summary>
    public string? Table { get; init; }

    /// <summary>The column.</summary>
    public string? Column { get; init; }

    /// <summary>The sequence's name, with its schema, quoted where SQL needs it.</summary>
    public required string Sequence { get; init; }

    /// <summary>The last value it had given out; null when none, or when it did not exist.</summary>
    public long? Before { get; init; }

    /// <summary>The last value that counts as given out afterwards: the next one is a step farther. Null when none.</summary>
    public long? After { get; init; }

    /// <summary>What is done.</summary>
    public required SequenceAction Action { get; init; }

    /// <summary>Why, when that is not plain: what is missing, which limit is in the way.</summary>
    public string? Detail { get; init; }

    /// <summary>The error that a failed row stands for.</summary>
    public MigrationException Failure() => new("SequenceNotRepaired", MigrationErrorKind.InvalidOperation,
        $"The sequence {Sequence}{(Table is null ? string.Empty : $" of {Schema}.{Table}.{Column}")} is not repaired: {Detail}");
}
