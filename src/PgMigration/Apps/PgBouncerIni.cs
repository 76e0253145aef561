using System.Globalization;
using System.Text;

namespace PgMigration;

/// <summary>The [databases] section of a pgbouncer.ini: one entry's host, port and dbname, with all else left as it stands.</summary>
internal sealed class PgBouncerIni
{
    // Two entries of one file may be written at the same time.
    private static readonly Lock Writing = new();

    private readonly string _path;

    public PgBouncerIni(string path) => _path = path;

    /// <summary>The entry's host and port.</summary>
    /// <exception cref="MigrationException"><c>PgBouncerEntryNotFound</c>: the file has no such entry.</exception>
    public (string? Host, string? Port) Read(string database)
    {
        var (_, line, _) = Find(database);
        var values = Split(line).ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.OrdinalIgnoreCase);
        return (values.GetValueOrDefault("host"), values.GetValueOrDefault("port"));
    }

    /// <summary>The database that the entry leads to; null when it says none, and it is the entry's own name.</summary>
    public string? ReadDatabase(string database) => Split(Find(database).Line).LastOrDefault(pair => pair.Key.Equals("dbname", StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>Writes host, port and dbname into the entry. The file is written over in place, so that it keeps owner and mode.</summary>
    public void Write(string database, PgServer server)
    {
        using var alone = Writing.EnterScope();
        var (lines, line, index) = Find(database);
        var pairs = Split(line).ToList();
        Set(pairs, "host", server.Host);
        Set(pairs, "port", server.Port.ToString(CultureInfo.InvariantCulture));
        Set(pairs, "dbname", server.Database);
        string name = line[..line.IndexOf('=', StringComparison.Ordinal)].TrimEnd();
        lines[index] = $"{name} = {string.Join(' ', pairs.Select(pair => $"{pair.Key}={Quote(pair.Value)}"))}";
        using var file = new FileStream(_path, FileMode.Open, FileAccess.Write, FileShare.Read);
        file.Write(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
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
        string[] lines = File.ReadAllText(_path).Split('\n');
        bool inSection = false;
        int found = -1;
        for (int index = 0; index < lines.Length; index++)
        {
            string line = lines[index].Trim();
            if (line.StartsWith('['))
            {
                inSection = line.Equals("[databases]", StringComparison.OrdinalIgnoreCase);
            }
            else if (inSection && line.Length > 0 && line[0] is not (';' or '#') && line.Split('=', 2)[0].Trim().Trim('"') == database)
            {
                found = index; // of two with the same name PgBouncer takes the last
            }
        }

        return found >= 0 ? (lines, lines[found].Trim(), found) : throw new MigrationException("PgBouncerEntryNotFound", MigrationErrorKind.NotFound,
            $"The [databases] section of {_path} has no entry '{database}'. Expected a line like: {database} = host=… port=… dbname=…; an entry in an included file is changed by giving that file.");
    }

    // After the name: key=value pairs, values in single quotes where they hold spaces, a quote doubled.
    private static IEnumerable<KeyValuePair<string, string>> Split(string line)
    {
        int at = line.IndexOf('=', StringComparison.Ordinal) + 1;
        while (at < line.Length)
        {
            if (char.IsWhiteSpace(line[at]))
            {
                at++;
                continue;
            }

            int equals = line.IndexOf('=', at);
            if (equals < 0)
            {
                yield break;
            }

            string key = line[at..equals].Trim();
            at = equals + 1;
            var value = new StringBuilder();
            bool quoted = at < line.Length && line[at] == '\'';
            at += quoted ? 1 : 0;
            while (at < line.Length && (quoted || !char.IsWhiteSpace(line[at])))
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
        value.Length > 0 && value.All(c => !char.IsWhiteSpace(c) && c is not ('\'' or '"' or ';' or '#')) ? value : $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";
}
