using System.Globalization;

namespace PgMigration;

/// <summary>What a value must be for a gate to pass: a number within bounds, a text, or a plain yes.</summary>
/// <param name="Below">The number must be smaller.</param>
/// <param name="Above">The number must be larger.</param>
/// <param name="Value">The value must be this, compared as text.</param>
public sealed record GateExpectation(double? Below = null, double? Above = null, string? Value = null)
{
    private const int LongestShown = 80;

    /// <summary>A boolean that must be true.</summary>
    public static GateExpectation True { get; } = new();

    /// <summary>Whether nothing is asked but a boolean's truth.</summary>
    public bool IsTruth => Below is null && Above is null && Value is null;

    /// <summary>Compares. A value of the wrong kind is a no, as is a number that is not one (NaN).</summary>
    /// <param name="value">A boolean, a number or a text; null for nothing.</param>
    public GateObservation Compare(object? value)
    {
        string seen = Show(value);
        if (value is null or DBNull)
        {
            return GateObservation.No("no value (null)");
        }

        if (IsTruth)
        {
            return value is bool truth ? new(truth, seen) : GateObservation.No($"{seen}, which is no boolean");
        }

        if (Value is not null && Text(value) != Value)
        {
            return GateObservation.No(seen);
        }

        if (Below is null && Above is null)
        {
            return new(true, seen);
        }

        return Number(value) is { } number
            ? new((Below is not { } below || number < below) && (Above is not { } above || number > above), seen)
            : GateObservation.No($"{seen}, which is no number");
    }

    /// <summary>In words.</summary>
    public override string ToString()
    {
        string[] parts =
        [
            .. Value is null ? (string[])[] : [$"'{Shorten(Value)}'"],
            .. Above is { } above ? (string[])[string.Create(CultureInfo.InvariantCulture, $"above {above}")] : [],
            .. Below is { } below ? (string[])[string.Create(CultureInfo.InvariantCulture, $"below {below}")] : [],
        ];
        return IsTruth ? "true" : string.Join(" and ", parts);
    }

    private static double? Number(object value) => value switch
    {
        bool => null,
        // a metrics service may send its numbers as texts
        string text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed) ? parsed : null,
        IConvertible number and not DateTime => number.ToDouble(CultureInfo.InvariantCulture),
        _ => null,
    };

    private static string Text(object value) => value switch
    {
        bool truth => truth ? "true" : "false",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? string.Empty,
    };

    private static string Show(object? value) => value is null ? string.Empty : Shorten(Text(value));

    private static string Shorten(string text)
    {
        string line = Redaction.Of(text.ReplaceLineEndings(" "));
        return line.Length <= LongestShown ? line : line[..LongestShown] + "…";
    }
}
