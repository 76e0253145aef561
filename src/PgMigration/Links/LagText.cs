using System.Globalization;

namespace PgMigration;

/// <summary>A lag in words, for progress and messages.</summary>
internal static class LagText
{
    /// <summary>The whole of it: <c>312.0 MB, 20 s behind</c>.</summary>
    public static string Of(ReplicationLag lag)
    {
        string bytes = lag.Bytes is { } known ? Of(known) : "an unknown distance";
        string time = lag.Time is { } age ? $", {Of(age)}" : string.Empty;
        return $"{bytes}{time} behind; {lag.State}{(lag.Detail is null ? string.Empty : $": {lag.Detail}")}";
    }

    /// <summary>Bytes in the unit that fits: 1 MB is 1,048,576 bytes, as in PostgreSQL.</summary>
    public static string Of(long bytes) => bytes switch
    {
        >= 1L << 40 => Text($"{bytes / (double)(1L << 40):0.00} TB"),
        >= 1L << 30 => Text($"{bytes / (double)(1L << 30):0.0} GB"),
        >= 1L << 20 => Text($"{bytes / (double)(1L << 20):0.0} MB"),
        >= 1L << 10 => Text($"{bytes / (double)(1L << 10):0.0} kB"),
        _ => Text($"{bytes} bytes"),
    };

    /// <summary>A time in seconds, or in hours when it is long.</summary>
    public static string Of(TimeSpan time) => time.TotalMinutes < 2 ? Text($"{time.TotalSeconds:0.#} s") : time.ToString(@"d\.hh\:mm\:ss", CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
