using System.Globalization;
using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Reads how far a link may be behind: bytes (<c>16MB</c>) or time (<c>10s</c>, <c>00:00:10</c>).</summary>
/// <remarks>
/// The engine makes a plain number of <c>16MB</c>, so a number is bytes; one below a kilobyte was surely meant as seconds, and is refused.
/// Of an unquoted <c>10s</c> it makes the short 10: a short is seconds.
/// </remarks>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter)]
public sealed class LagLimitTransformationAttribute : ArgumentTransformationAttribute
{
    private const int Kilobyte = 1024;

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
        {
            LagLimit limit => limit,
            TimeSpan time => LagLimit.OfTime(time),
            string text when text.TrimEnd().EndsWith('M') => throw Refuse(text), // minutes, or megabytes?
            string text when !text.TrimEnd().EndsWith('m') && Sized(engineIntrinsics, text) is { } bytes => Bytes(bytes, text),
            string text when Timed(engineIntrinsics, text) is { } time => LagLimit.OfTime(time),
            short seconds and >= 0 => LagLimit.OfTime(TimeSpan.FromSeconds(seconds)), // an unquoted 10s
            decimal days => throw new ArgumentTransformationMetadataException(NumberSuffix.Explain(days, string.Create(CultureInfo.InvariantCulture, $"Write '{days}d' in quotes for days."))),
            not null and var number when NumberSuffix.Of(number) is not (null or "s") => throw new ArgumentTransformationMetadataException(NumberSuffix.Explain(number, "Write a size with its unit (512kB, 16MB) or a time with its unit (500ms, 10s), in quotes.")),
            IConvertible number and not short and not (string or bool or char or DateTime or Enum) => Bytes(number.ToInt64(CultureInfo.InvariantCulture), number),
            var other => throw Refuse(other),
        };

    private static LagLimit Bytes(long bytes, object typed) => bytes is 0 or >= Kilobyte ? LagLimit.OfBytes(bytes) : throw Refuse(typed);

    private static long? Sized(EngineIntrinsics engine, string text) => Try(() => (long?)new ByteSizeTransformationAttribute().Transform(engine, text));

    private static TimeSpan? Timed(EngineIntrinsics engine, string text) => Try(() => (TimeSpan?)new DurationTransformationAttribute().Transform(engine, text));

    private static T? Try<T>(Func<T?> read)
    {
        try
        {
            return read();
        }
        catch (ArgumentTransformationMetadataException)
        {
            return default;
        }
    }

    private static ArgumentTransformationMetadataException Refuse(object? typed) => new(
        $"'{Convert.ToString(typed, CultureInfo.InvariantCulture)}' is not a lag. Expected a size with its unit (512kB, 16MB) or a time with its unit (500ms, 10s, 00:00:10).");
}
