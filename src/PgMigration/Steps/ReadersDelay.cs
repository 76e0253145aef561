using System.Globalization;
using System.Text.RegularExpressions;

namespace PgMigration;

/// <summary>max_standby_archive_delay, and max_standby_streaming_delay, as a cutover sets them on the target: none, in a form that says what was there before.</summary>
/// <remarks>
/// An undo may not reach the target any more, and the next cutover must not take our 0 for the user's wish. A standby can keep no row of
/// ours, but the text of a setting: fractions of a millisecond are rounded to none (PostgreSQL 12 and later), and these say it.
/// </remarks>
internal static partial class ReadersDelay
{
    /// <summary>How long a reader may hold up what comes from the archive.</summary>
    public const string OfArchive = "max_standby_archive_delay";

    /// <summary>How long a reader may hold up what is streamed. Which of the two counts changes with where the WAL comes from, at any moment.</summary>
    public const string OfStream = "max_standby_streaming_delay";

    private const string Ours = "0.0000000";

    /// <summary>No delay, which remembers a setting.</summary>
    /// <param name="before">What was set; empty for nothing.</param>
    public static string NoneBut(string before) => Ours + (Milliseconds(before) switch
    {
        null => "1", // nothing
        < 0 => "2", // for ever
        { } delay => "3" + delay.ToString(CultureInfo.InvariantCulture),
    });

    /// <summary>What a setting of ours remembers: empty for nothing; null when it is none of ours.</summary>
    public static string? Remembered(string setting) =>
        !setting.StartsWith(Ours, StringComparison.Ordinal) ? null : setting[Ours.Length..] switch
        {
            ['3', .. var delay] => delay + "ms",
            "2" => "-1",
            _ => string.Empty,
        };

    private static long? Milliseconds(string setting)
    {
        if (Duration().Match(setting) is not { Success: true } match || !double.TryParse(match.Groups["number"].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
        {
            return null;
        }

        return (long)Math.Round(number * match.Groups["unit"].Value switch { "us" => 0.001, "s" => 1000, "min" => 60_000, "h" => 3_600_000, "d" => 86_400_000, _ => 1 });
    }

    [GeneratedRegex(@"^\s*(?<number>-?[0-9.]+)\s*(?<unit>us|ms|s|min|h|d)?\s*$")]
    private static partial Regex Duration();
}
