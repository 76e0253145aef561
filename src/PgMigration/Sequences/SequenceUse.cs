namespace PgMigration;

/// <summary>One column and its sequence; one of the two may be missing.</summary>
internal sealed record SequenceUse
{
    public SequenceColumn? Column { get; init; }

    public SequenceState? State { get; init; }

    public SequenceOrigin Origin { get; init; }

    /// <summary>Whether the default is the sequence's value itself, not something computed from it.</summary>
    public bool IsPlain { get; init; } = true;

    /// <summary>The column's value farthest in the sequence's direction.</summary>
    public long? Farthest { get; set; }

    /// <summary>What else is to be known about it.</summary>
    public string? Detail { get; set; }

    /// <summary>Why the column's values do not tell where the sequence must stand; null when they do.</summary>
    public string? Unmeasurable => Column is null || IsMeasurable ? null
        : Column.Problem ?? (IsPlain ? "the column is not of an integer type" : "the column's default is computed from the sequence");

    /// <summary>Whether the column's values tell where the sequence must stand, and may be read.</summary>
    public bool IsMeasurable => Column is { BaseType: not null, Problem: null } && State is not null && IsPlain;
}
