namespace PgMigration;

/// <summary>The arithmetic of sequences in both directions. A position is the last value given out; before the first one, the value a step before it.</summary>
internal static class SequencePosition
{
    /// <summary>Where a sequence stands; null when that is not known.</summary>
    public static Int128? Of(SequenceState state) =>
        state.LastValue is not { } last ? null : state.IsCalled ? last : (Int128)last - state.Increment;

    /// <summary>Whether the first position lies farther in the sequence's direction than the second.</summary>
    public static bool IsBeyond(Int128 a, Int128 b, SequenceState state) => state.Increment > 0 ? a > b : a < b;

    /// <summary>The farther one of two positions; null is nearer than any.</summary>
    public static Int128? Farther(Int128? a, Int128? b, SequenceState state) =>
        a is not { } first ? b : b is not { } second || IsBeyond(first, second, state) ? a : b;

    /// <summary>The end of what the sequence, and the type of its column, can hold.</summary>
    public static Int128 Limit(SequenceState state, SequenceColumn? column) =>
        state.Increment > 0
            ? Math.Min(state.Maximum, column?.TypeLimit ?? long.MaxValue)
            : Math.Max(state.Minimum, column?.TypeLimit is { } limit ? -limit - 1 : long.MinValue);

    /// <summary>
    /// The nearest position of the sequence's own stride that is not before <paramref name="needed"/>. Sequences that count in steps share
    /// the numbers with others (1, 3, 5 here and 2, 4, 6 there): leaving the stride would take theirs.
    /// </summary>
    public static Int128 OnStride(Int128 needed, Int128 own, SequenceState state)
    {
        Int128 step = Int128.Abs(state.Increment);
        Int128 distance = Int128.Abs(needed - own);
        return own + ((distance + step - 1) / step * state.Increment);
    }
}
