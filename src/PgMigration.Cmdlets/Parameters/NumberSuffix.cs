namespace PgMigration.Cmdlets;

/// <summary>What PowerShell makes of numbers that carry one of its own type suffixes: an unquoted <c>10s</c> arrives as the short 10, and <c>1d</c> as the decimal 1.</summary>
/// <remarks>Source: about_Numeric_Literals. Nobody means these types where a size or a time is asked for, so a value of one betrays its suffix.</remarks>
internal static class NumberSuffix
{
    /// <summary>The suffix that made a value of this type; null for what a plain number, or one with a size's unit, becomes.</summary>
    public static string? Of(object number) => number switch
    {
        short => "s",
        ushort => "us",
        sbyte => "y",
        byte => "uy",
        uint => "u",
        ulong => "ul",
        decimal => "d",
        System.Numerics.BigInteger => "n",
        _ => null,
    };

    /// <summary>Why such a value is refused, and how to type what was meant.</summary>
    /// <param name="number">The value.</param>
    /// <param name="meant">How it is typed instead.</param>
    public static string Explain(object number, string meant) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{number} arrived as a number of type {number.GetType().Name}, which is what PowerShell makes of an unquoted {number}{Of(number)}. {meant}");
}
