using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace PgMigration.Cmdlets;

/// <summary>Reads sizes as people type them: <c>16MB</c>, <c>1.5 GiB</c>, <c>8192</c> (bytes). As in PostgreSQL and PowerShell, 1 kB is 1,024 bytes.</summary>
/// <remarks>PowerShell reads <c>16MB</c> itself where it stands as a bare number, but not in a string, as scripts and services pass it.</remarks>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter)]
public sealed partial class ByteSizeTransformationAttribute : ArgumentTransformationAttribute
{
    private const string Units = "KMGTP";

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
        {
            null => null,
            string text => Parse(text.Trim()) ?? throw Refuse(text),
            var number when NumberSuffix.Of(number) is not null => throw new ArgumentTransformationMetadataException(NumberSuffix.Explain(number, "Write a size in bytes (8192) or with its unit (64kB, 16MB).")),
            IConvertible number and not (bool or char or DateTime or Enum) => Bytes(number.ToDecimal(CultureInfo.InvariantCulture)) ?? throw Refuse(number),
            var other => throw Refuse(other.GetType().Name),
        };

    private static long? Parse(string text)
    {
        var match = SizePattern().Match(text);
        if (!match.Success || !decimal.TryParse(match.Groups["number"].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number))
        {
            return null;
        }

        int power = match.Groups["unit"] is { Length: > 0 } unit ? Units.IndexOf(unit.Value[0], StringComparison.OrdinalIgnoreCase) + 1 : 0;
        return number < long.MaxValue ? Bytes(number * (1L << (10 * power))) : null;
    }

    private static long? Bytes(decimal bytes) => bytes is >= 0 and <= long.MaxValue ? (long)bytes : null;

    private static ArgumentTransformationMetadataException Refuse(object typed) => new(string.Create(CultureInfo.InvariantCulture,
        $"'{typed}' is not a size. Expected bytes (8192) or a number with its unit (64kB, 16MB, 1.5GB, 3TB), not negative."));

    [GeneratedRegex(@"^(?<number>\d+(\.\d+)?)\s*((?<unit>[KMGTP])(i?B)?|B)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex SizePattern();
}
