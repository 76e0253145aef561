using System.Globalization;
using System.Text;

namespace PgMigration;

/// <summary>The [databases] section of a pgbouncer.ini: one entry's host, port and dbname, with all else left as it stands.</summary>
/// <remarks>
/// PgBouncer reads bytes, whatever their encoding: here each is a character (Latin-1), so that all come back as they were. What we look for and
/// write is UTF-8, as PostgreSQL's clients send it.
/// </remarks>
internal sealed class PgBouncerIni
{
    // Two entries of one file may be written at the same time.
    private static readonly Lock Writing = new();

    // No others: the bytes of an à and an Å look like spaces among characters.
    private static readonly char[] Spaces = [' ', '\t', '\r', '\v', '\f'];

    private readonly string _path;

    public PgBouncerIni(string path) => _path = path;

    /// <summary>The entry's host and port.</summary>
    /// <exception cref="MigrationException"><c>PgBouncerEntryNotFound</c>: the file has no such entry.</exception>
    public (string? Host, string? Port) Read(string database)
    {
        var (_, line, _) = Find(database);
        var values = Split(line).ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.OrdinalIgnoreCase);
        return (Text(values.GetValueOrDefault("host")), values.GetValueOrDefault("port"));
    }

    /// <summary>The database that the entry leads to; null when it says none, and it is the entry's own name.</summary>
    public string? ReadDatabase(string database) => Text(Split(Find(database).Line).LastOrDefault(pair => pair.Key.Equals("dbname", StringComparison.OrdinalIgnoreCase)).Value);

    /// <summary>Writes host, port and dbname into the entry. The file is written over in place, so that it keeps owner and mode.</summary>
    public void Write(string database, PgServer server)
    {
        using var alone = Writing.EnterScope();
        var (lines, line, index) = Find(database);
        var pairs = Split(line).ToList();
        Set(pairs, "host", Bytes(server.Host));
        Set(pairs, "port", server.Port.ToString(CultureInfo.InvariantCulture));
        Set(pairs, "dbname", Bytes(server.Database));
        string name = line[..line.IndexOf('=', StringComparison.Ordinal)].TrimEnd(Spaces);
        lines[index] = $"{name} = {string.Join(' ', pairs.Select(pair => $"{pair.Key}={Quote(pair.Value)}"))}";
        using var file = new FileStream(_path, FileMode.Open, FileAccess.Write, FileShare.Read);
        file.Write(Encoding.Latin1.GetBytes(string.Join('\n', lines)));
        file.SetLength(file.Position);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Checks that the file can be written; changes nothing.</summary>
    public void CheckWritable()
    {
        using var file = new FileStream(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
    }

    private (string[] Lines, string Line, int Index) Find(string database)
    {
        string[] lines = Encoding.Latin1.GetString(File.ReadAllBytes(_path)).Split('\n');
        string wanted = Bytes(database);
        bool inSection = false;
        int found = -1;
        for (int index = 0; index < lines.Length; index++)
        {
            string line = lines[index].Trim(Spaces);
            if (line.StartsWith('['))
            {
                inSection = line.Equals("[databases]", StringComparison.OrdinalIgnoreCase);
            }
            else if (inSection && line.Length > 0 && line[0] is not (';' or '#') && line.Split('=', 2)[0].Trim(Spaces).Trim('"') == wanted)
            {
                found = index; // of two with the same name PgBouncer takes the last
            }
        }

        return found >= 0 ? (lines, lines[found].Trim(Spaces), found) : throw new MigrationException("PgBouncerEntryNotFound", MigrationErrorKind.NotFound,
            $"The [databases] section of {_path} has no entry '{database}'. Expected a line like: {database} = host=… port=… dbname=…; an entry in an included file is changed by giving that file.");
    }

    // After the name: key=value pairs, values in single quotes where they hold spaces, a quote doubled.
    private static IEnumerable<KeyValuePair<string, string>> Split(string line)
    {
        int at = line.IndexOf('=', StringComparison.Ordinal) + 1;
        while (at < line.Length)
        {
            if (Spaces.Contains(line[at]))
            {
                at++;
                continue;
            }

            int equals = line.IndexOf('=', at);
            if (equals < 0)
            {
                yield break;
            }

            string key = line[at..equals].Trim(Spaces);
            at = equals + 1;
            var value = new StringBuilder();
            bool quoted = at < line.Length && line[at] == '\'';
            at += quoted ? 1 : 0;
            while (at < line.Length && (quoted || !Spaces.Contains(line[at])))
            {
                if (quoted && line[at] == '\'')
                {
                    if (at + 1 >= line.Length || line[at + 1] != '\'')
                    {
                        break;
                    }

                    at++;
                }

                value.Append(line[at++]);
            }

            at += quoted ? 1 : 0;
            yield return new KeyValuePair<string, string>(key, value.ToString());
        }
    }

    private static string Bytes(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    private static string? Text(string? bytes) => bytes is null ? null : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));

    private static void Set(List<KeyValuePair<string, string>> pairs, string key, string value)
    {
        int index = pairs.FindIndex(pair => pair.Key.Equals(key, StringComparison.OrdinalIgnoreCase));
        var pair = new KeyValuePair<string, string>(key, value);
        if (index < 0)
        {
            pairs.Add(pair);
        }
        else
        {
            pairs[index] = pair;
        }
    }

    private static string Quote(string value) =>
        value.Length > 0 && value.All(c => !Spaces.Contains(c) && c is not ('\'' or '"' or ';' or '#')) ? value : $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";
}
