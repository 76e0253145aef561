namespace PgMigration;

/// <summary>A sequence and a column that takes from it; one for each column, and one without a column for a sequence that none takes from.</summary>
public sealed record PgSequence
{
    /// <summary>The table's schema; the sequence's own when there is no table.</summary>
    public required string Schema { get; init; }

    /// <summary>The table; null when no column takes from the sequence.</summary>
    public string? Table { get; init; }

    /// <summary>The column.</summary>
    public string? Column { get; init; }

    /// <summary>The sequence's name, with its schema, quoted where SQL needs it.</summary>
    public required string Sequence { get; init; }

    /// <summary>How it belongs to the column.</summary>
    public SequenceOrigin Origin { get; init; }

    /// <summary>The last value it gave out; null when it gave none yet, or when the login may not read it.</summary>
    public long? LastValue { get; init; }

    /// <summary>The value it gives next; null when it is used up (and does not cycle), or when the login may not read it.</summary>
    public long? NextValue { get; init; }

    /// <summary>The column's value farthest in the sequence's direction: the largest, or the smallest when it counts down. Null for an empty table, and when it cannot be known.</summary>
    public long? ColumnValue { get; init; }

    /// <summary>Whether the next value, or one of those after it, is already in the column: an insert will fail with a duplicate key.</summary>
    public bool Collides { get; init; }

    /// <summary>By how much it counts; negative when it counts down.</summary>
    public required long Increment { get; init; }

    /// <summary>Its least value.</summary>
    public required long Minimum { get; init; }

    /// <summary>Its greatest value.</summary>
    public required long Maximum { get; init; }

    /// <summary>Whether it begins anew at its end.</summary>
    public required bool Cycles { get; init; }

    /// <summary>How much of what it and the column's type can hold is used, in percent.</summary>
    public double PercentUsed { get; init; }

    /// <summary>What else is to be known, such as a column that cannot be read.</summary>
    public string? Detail { get; init; }

    /// <summary>Reads every sequence of a database, whatever schema it is in, in two round trips.</summary>
    /// <param name="server">The database.</param>
    /// <param name="observer">Is warned of large tables without an index on the column.</param>
    /// <param name="cancel">Ends the reading.</param>
    public static async Task<IReadOnlyList<PgSequence>> ReadAsync(PgServer server, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        await using var connection = await server.ConnectAsync(cancel);
        var catalog = await SequenceCatalog.ReadAsync(connection, observer ?? IMigrationObserver.None, cancel);
        return [.. catalog.Uses.Select(Of), .. catalog.Unused.Select(state => Of(new SequenceUse { State = state }))];
    }

    private static long? Next(SequenceState state, Int128 position)
    {
        Int128 next = position + state.Increment;
        return next >= state.Minimum && next <= state.Maximum ? (long)next
            : !state.Cycles ? null
            : state.Increment > 0 ? state.Minimum : state.Maximum;
    }

    private static PgSequence Of(SequenceUse use)
    {
        var state = use.State!;
        var position = SequencePosition.Of(state);
        Int128 limit = SequencePosition.Limit(state, use.Column);
        Int128 first = state.Increment > 0 ? state.Minimum : state.Maximum;
        return new PgSequence
        {
            Schema = use.Column?.Schema ?? state.Schema,
            Table = use.Column?.Table,
            Column = use.Column?.Name,
            Sequence = state.QuotedName,
            Origin = use.Origin,
            LastValue = state.IsCalled ? state.LastValue : null,
            NextValue = position is { } last ? Next(state, last) : null,
            ColumnValue = use.Farthest,
            Collides = position is { } own && use.Farthest is { } farthest && !state.Cycles && SequencePosition.IsBeyond(farthest, own, state),
            Increment = state.Increment,
            Minimum = state.Minimum,
            Maximum = state.Maximum,
            Cycles = state.Cycles,
            PercentUsed = position is { } used && limit != first ? Math.Round(Math.Clamp((double)(used - first + Math.Sign(state.Increment)) / (double)(limit - first), 0, 1) * 100, 2) : 0,
            Detail = use.Detail ?? state.Problem ?? use.Unmeasurable,
        };
    }
}
