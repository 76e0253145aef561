using System.Globalization;

namespace PgMigration.LocalDms;

/// <summary>When a task stops by itself.</summary>
/// <param name="ByServerTime">True: at the time of the DMS server; false: before the first transaction that was committed later.</param>
/// <param name="Time">The time, in UTC.</param>
internal readonly record struct StopPosition(bool ByServerTime, DateTime Time)
{
    /// <summary>Reads <c>server_time:2026-01-31T12:00:00</c> or <c>commit_time:…</c>.</summary>
    /// <exception cref="Fault">InvalidParameterValueException.</exception>
    public static StopPosition? Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && text[..colon].Trim() is "server_time" or "commit_time"
            && DateTime.TryParse(text[(colon + 1)..].Trim(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? new StopPosition(text.StartsWith("server_time", StringComparison.Ordinal), time)
            : throw Fault.InvalidValue($"Invalid CDC stop position '{text}'; expected server_time:2018-02-09T12:12:12 or commit_time:2018-02-09T12:12:12.");
    }
}
