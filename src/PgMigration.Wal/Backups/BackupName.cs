using System.Globalization;

namespace PgMigration.Wal;

/// <summary>The name of a base backup: <c>base_&lt;segment&gt;[_&lt;offset&gt;][_D_&lt;segment of the one it builds on&gt;]</c>.</summary>
/// <remarks>WAL-G writes the offset in hexadecimal and mostly leaves it out; WAL-E always writes it, in decimal (seen in 1.1.1).</remarks>
/// <param name="Text">The whole name.</param>
/// <param name="StartSegment">The segment in which the backup starts.</param>
/// <param name="Offset">The eight digits of the offset; null when there are none.</param>
/// <param name="IsDelta">Whether the name says that it holds only changes.</param>
public sealed record BackupName(string Text, WalSegmentName StartSegment, string? Offset, bool IsDelta)
{
    private const string Prefix = "base_";
    private const string DeltaMark = "_D_";

    /// <summary>Reads a name; null when it is none.</summary>
    public static BackupName? TryParse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || text.Length < Prefix.Length + 24 || !WalSegmentName.TryParse(text.AsSpan(Prefix.Length, 24), out var segment))
        {
            return null;
        }

        string rest = text[(Prefix.Length + 24)..];
        int delta = rest.IndexOf(DeltaMark, StringComparison.Ordinal);
        string offset = delta < 0 ? rest : rest[..delta];
        bool hasOffset = offset.Length == 9 && offset[0] == '_' && offset.Skip(1).All(char.IsAsciiHexDigit);
        bool deltaFits = delta < 0 || (rest.Length >= delta + DeltaMark.Length + 24 && WalSegmentName.TryParse(rest.AsSpan(delta + DeltaMark.Length, 24), out _));
        return deltaFits && (hasOffset || offset.Length == 0) ? new BackupName(text, segment, hasOffset ? offset[1..] : null, delta >= 0) : null;
    }

    /// <summary>Where the backup starts by a WAL-E name: its segment and decimal offset.</summary>
    /// <param name="segmentSize">The cluster's segment size in bytes.</param>
    internal Lsn? StartByDecimalOffset(int segmentSize) =>
        uint.TryParse(Offset, NumberStyles.None, CultureInfo.InvariantCulture, out uint offset) ? StartSegment.Start(segmentSize) + offset : null;
}
