using System.Globalization;
using System.Text;

namespace PgMigration.Wal;

/// <summary>The records of a pax header: <c>length key=value\n</c>, the length counting itself.</summary>
internal static class TarPax
{
    /// <summary>Reads all records of one header.</summary>
    /// <exception cref="InvalidDataException">A record is not of that form.</exception>
    public static List<KeyValuePair<string, string>> Read(ReadOnlySpan<byte> payload)
    {
        var records = new List<KeyValuePair<string, string>>();
        while (!payload.IsEmpty)
        {
            int blank = payload.IndexOf((byte)' ');
            if (blank < 1 || !int.TryParse(payload[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out int length)
                || length <= blank + 1 || length > payload.Length || payload[length - 1] != '\n')
            {
                throw Wrong();
            }

            var record = payload[(blank + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            records.Add(equals > 0 ? new(Encoding.UTF8.GetString(record[..equals]), Encoding.UTF8.GetString(record[(equals + 1)..])) : throw Wrong());
            payload = payload[length..];
        }

        return records;
    }

    /// <summary>Reads a size, which pax writes in decimal.</summary>
    public static long Number(string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : throw Wrong();

    private static InvalidDataException Wrong() => new("a pax header is malformed: it is altered, or no tar");
}
