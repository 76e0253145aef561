using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace PgMigration;

/// <summary>A position in the write-ahead log, as PostgreSQL prints it: two hexadecimal halves, <c>16/B374D848</c>.</summary>
/// <remarks>Arithmetic is in bytes. Source: PostgreSQL's pg_lsn type (src/backend/utils/adt/pg_lsn.c).</remarks>
/// <param name="Position">Bytes from the beginning of the log.</param>
public readonly record struct Lsn(ulong Position) : IComparable<Lsn>, ISpanParsable<Lsn>
{
    /// <summary>The invalid position <c>0/0</c>, which no record has.</summary>
    public static Lsn Zero { get; }

    /// <summary>The distance in bytes; negative when <paramref name="a"/> lies before <paramref name="b"/>.</summary>
    public static long operator -(Lsn a, Lsn b) => unchecked((long)(a.Position - b.Position));

    /// <summary>The position so many bytes further on.</summary>
    public static Lsn operator +(Lsn a, long bytes) => new(checked((ulong)((long)a.Position + bytes)));

    /// <summary>Whether one position lies before the other.</summary>
    public static bool operator <(Lsn a, Lsn b) => a.Position < b.Position;

    /// <summary>Whether one position lies after the other.</summary>
    public static bool operator >(Lsn a, Lsn b) => a.Position > b.Position;

    /// <summary>Whether one position lies before the other, or they are the same.</summary>
    public static bool operator <=(Lsn a, Lsn b) => a.Position <= b.Position;

    /// <summary>Whether one position lies after the other, or they are the same.</summary>
    public static bool operator >=(Lsn a, Lsn b) => a.Position >= b.Position;

    /// <summary>Reads <c>16/B374D848</c>.</summary>
    /// <exception cref="FormatException">The text is not a position.</exception>
    public static Lsn Parse(string s, IFormatProvider? provider = null) => Parse(s.AsSpan(), provider);

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static Lsn Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var lsn) ? lsn : throw new FormatException($"'{s}' is not a WAL position; expected two hexadecimal numbers like 16/B374D848.");

    /// <summary>Reads <c>16/B374D848</c>; false when the text is not a position.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Lsn result) =>
        TryParse(s.AsSpan(), provider, out result);

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out Lsn)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out Lsn result)
    {
        result = default;
        int slash = s.IndexOf('/');
        if (slash is < 1 or > 8 || s.Length - slash - 1 is < 1 or > 8
            || !uint.TryParse(s[..slash], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint high)
            || !uint.TryParse(s[(slash + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint low))
        {
            return false;
        }

        result = new Lsn(((ulong)high << 32) | low);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(Lsn other) => Position.CompareTo(other.Position);

    /// <summary>The position as PostgreSQL prints it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Position >> 32:X}/{(uint)Position:X}");
}
