using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace PgMigration.Cmdlets;

/// <summary>Reads durations as people type them: <c>30</c> (seconds), <c>30s</c>, <c>1h30m</c>, <c>500ms</c>, <c>00:00:30</c>.</summary>
/// <remarks>Without it the engine takes <c>-Timeout 30</c> for 30 ticks, which is 3 microseconds.</remarks>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter)]
public sealed partial class DurationTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
        {
            null => null,
            TimeSpan span => Checked(span, span),
            string text => Checked(Parse(text.Trim()), text),
            short seconds => Checked(Seconds(seconds), seconds), // an unquoted 10s
            decimal days => throw new ArgumentTransformationMetadataException(NumberSuffix.Explain(days, string.Create(CultureInfo.InvariantCulture, $"Write '{days}d' in quotes for days, or {days}s for seconds."))),
            var number when NumberSuffix.Of(number) is not null => throw new ArgumentTransformationMetadataException(NumberSuffix.Explain(number, "Write a time with its unit (500ms, 30s, 5m, 2h), in quotes.")),
            IConvertible number and not (bool or char or DateTime or Enum) => Checked(Seconds(number.ToDouble(CultureInfo.InvariantCulture)), number),
            var other => throw Refuse(other.GetType().Name),
        };

    private static TimeSpan? Parse(string text)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds))
        {
            return Seconds(seconds);
        }

        if (text.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) ? span : null;
        }

        var match = UnitsPattern().Match(text);
        return match.Success
            ? Seconds(Part("d", 86400) + Part("h", 3600) + Part("m", 60) + Part("s", 1) + Part("ms", 0.001))
            : null;

        double Part(string unit, double factor) =>
            match.Groups[unit] is { Success: true, Value: var digits } ? double.Parse(digits, CultureInfo.InvariantCulture) * factor : 0;
    }

    private static TimeSpan? Seconds(double seconds) =>
        Math.Abs(seconds) <= TimeSpan.MaxValue.TotalSeconds - 1 ? TimeSpan.FromSeconds(seconds) : null;

    private static TimeSpan Checked(TimeSpan? span, object typed) => span is { } value && value >= TimeSpan.Zero ? value : throw Refuse(typed);

    private static ArgumentTransformationMetadataException Refuse(object typed) => new(string.Create(CultureInfo.InvariantCulture,
        $"'{typed}' is not a duration. Expected seconds (30), a number with its unit (500ms, 30s, 5m, 2h, 1d, 1h30m) or hours:minutes:seconds (00:00:30), not negative."));

    [GeneratedRegex(@"^(?=.)((?<d>\d+(\.\d+)?)\s*d)?\s*((?<h>\d+(\.\d+)?)\s*h)?\s*((?<m>\d+(\.\d+)?)\s*m(in)?(?!s))?\s*((?<s>\d+(\.\d+)?)\s*s)?\s*((?<ms>\d+(\.\d+)?)\s*ms)?$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex UnitsPattern();
}
