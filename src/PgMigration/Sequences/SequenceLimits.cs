using System.Globalization;

namespace PgMigration;

/// <summary>What is to be done about a sequence that cannot go where it must: which statements PostgreSQL would accept.</summary>
internal static class SequenceLimits
{
    /// <summary>Says why it cannot, and each step that makes room.</summary>
    /// <param name="state">The sequence.</param>
    /// <param name="column">A column that takes from it; null for none.</param>
    /// <param name="after">Where it must stand.</param>
    /// <param name="withoutMargin">Where it would have to stand without the safety margin.</param>
    /// <param name="limit">The end that is in the way.</param>
    public static string Explain(SequenceState state, SequenceColumn? column, Int128 after, Int128 withoutMargin, Int128 limit)
    {
        bool isType = limit != (state.Increment > 0 ? state.Maximum : state.Minimum);
        string what = string.Create(CultureInfo.InvariantCulture,
            $"it must stand at {after}, beyond {limit}, where {(isType ? $"the type of {column!.Title}" : "the sequence")} ends");
        string widen = Room(state, column, after);

        // at the very end would not do: the sequence would be used up by it
        Int128 room = (limit - withoutMargin) / state.Increment - 1;
        return room >= 0 && after != withoutMargin
            ? string.Create(CultureInfo.InvariantCulture, $"{what}. Without the safety margin it would fit: repair with -SafetyMargin {room} or less. Or make room: {widen}.")
            : $"{what}. To make room: {widen}.";
    }

    /// <summary>The statements that make room for a position, as far as any do.</summary>
    public static string Room(SequenceState state, SequenceColumn? column, Int128 after) =>
        Widen(state, column, after).ToArray() is { Length: > 0 } steps ? $"{string.Join("; and ", steps)}; then repair again" : "no integer type holds a value beyond, so see where the values come from";

    private static IEnumerable<string> Widen(SequenceState state, SequenceColumn? column, Int128 after)
    {
        if (!Holds("bigint", after))
        {
            yield break;
        }

        // the type first: a limit beyond the sequence's type is refused. A limit that was the old type's end becomes the new one's by itself.
        bool isTypeTooSmall = !Holds(state.DataType, after);
        if (isTypeTooSmall)
        {
            yield return $"ALTER SEQUENCE {state.QuotedName} AS bigint";
        }

        Int128 end = state.Increment > 0 ? state.Maximum : state.Minimum;
        if (SequencePosition.IsBeyond(after, end, state) && !(isTypeTooSmall && end == (state.Increment > 0 ? Largest(state.DataType) : -Largest(state.DataType) - 1)))
        {
            yield return $"ALTER SEQUENCE {state.QuotedName} NO {(state.Increment > 0 ? "MAXVALUE" : "MINVALUE")}";
        }

        if (column?.TypeLimit is { } && !Holds(column.BaseType!, after))
        {
            yield return $"ALTER TABLE {column.QuotedTable} ALTER COLUMN {column.QuotedName} TYPE bigint (rewrites the table)";
        }
    }

    private static bool Holds(string type, Int128 value) => value <= Largest(type) && value >= -Largest(type) - 1;

    private static Int128 Largest(string type) => type switch { "smallint" => short.MaxValue, "integer" => int.MaxValue, _ => long.MaxValue };
}
