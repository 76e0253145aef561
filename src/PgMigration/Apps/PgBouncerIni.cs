using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PgMigration;

/// <summary>The [databases] section of a pgbouncer.ini: one entry's host, port and dbname, with all else left as it stands.</summary>
/// <remarks>
/// PgBouncer reads bytes, whatever their encoding: here each is a character (Latin-1), so that all come back as they were. What we look for and
/// write is UTF-8, as PostgreSQL's clients send it.
/// </remarks>
internal sealed class PgBouncerIni
{
    private const string ProbePrefix = "pgmigration_probe_";

    // An entry that this process adds for a moment, and not one that another left behind.
    private static readonly string OwnProbes = string.Create(CultureInfo.InvariantCulture, $"{ProbePrefix}{Environment.ProcessId}_");

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

    /// <summary>An option of the entry, such as <c>auth_dbname</c>; null when it has none.</summary>
    public string? ReadOption(string database, string option) => Text(Split(Find(database).Line).LastOrDefault(pair => pair.Key.Equals(option, StringComparison.OrdinalIgnoreCase)).Value);

    /// <summary>Whether the file has the entry.</summary>
    public bool Has(string database) => FindIn(Read(), database) >= 0;

    /// <summary>Writes host, port and dbname into the entry; leaves everything else as it is. At every moment the file is whole, old or new.</summary>
    public void Write(string database, PgServer server)
    {
        using var alone = Writing.EnterScope();
        var (lines, line, index) = Find(database);
        lines[index] = Entry(line[..line.IndexOf('=', StringComparison.Ordinal)].TrimEnd(Spaces), Split(line), server);
        Save(lines.Where(each => !IsProbe(each)));
    }

    /// <summary>A name for an entry that is added for a moment.</summary>
    public static string NewProbeName() => OwnProbes + RandomNumberGenerator.GetHexString(8, lowercase: true);

    /// <summary>Adds an entry that is as another, but leads to a server by one connection. It stands after the other. Removes what an ended process left.</summary>
    /// <param name="database">The other.</param>
    /// <param name="name">The new one's name, from <see cref="NewProbeName"/>.</param>
    /// <param name="server">Where it leads.</param>
    public void AddProbe(string database, string name, PgServer server)
    {
        using var alone = Writing.EnterScope();
        var (lines, line, index) = Find(database);
        var pairs = Split(line).Where(pair => !pair.Key.Equals("min_pool_size", StringComparison.OrdinalIgnoreCase)).ToList();
        Set(pairs, "pool_size", "1");
        Save(((string[])[.. lines[..(index + 1)], Entry(name, pairs, server), .. lines[(index + 1)..]]).Where(each => !IsProbe(each) || NameOf(each).StartsWith(OwnProbes, StringComparison.Ordinal)));
    }

    /// <summary>Removes the entry that <see cref="AddProbe"/> made: the file is then as it was, byte for byte.</summary>
    public void RemoveProbe(string name)
    {
        using var alone = Writing.EnterScope();
        string[] lines = Read();
        if (Array.FindAll(lines, line => NameOf(line) != name) is var left && left.Length < lines.Length)
        {
            Save(left);
        }
    }

    /// <summary>Checks that the file can be written; changes nothing.</summary>
    public void CheckWritable() => ReplacedFile.Check(_path);

    /// <summary>The files that this one includes, as far as they can be read here.</summary>
    public IEnumerable<PgBouncerIni> Includes()
    {
        foreach (string line in Read())
        {
            string text = line.Trim(Spaces);
            if (text.StartsWith("%include", StringComparison.OrdinalIgnoreCase))
            {
                string path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path))!, Text(text["%include".Length..].Trim(Spaces))!);
                if (File.Exists(path))
                {
                    yield return new PgBouncerIni(path);
                }
            }
        }
    }

    private string[] Read() => Encoding.Latin1.GetString(File.ReadAllBytes(_path)).Split('\n');

    private void Save(IEnumerable<string> lines) => ReplacedFile.Write(_path, Encoding.Latin1.GetBytes(string.Join('\n', lines)));

    private static string Entry(string name, IEnumerable<KeyValuePair<string, string>> options, PgServer server)
    {
        var pairs = options.ToList();
        Set(pairs, "host", Bytes(server.Host));
        Set(pairs, "port", server.Port.ToString(CultureInfo.InvariantCulture));
        Set(pairs, "dbname", Bytes(server.Database));
        return $"{name} = {string.Join(' ', pairs.Select(pair => $"{pair.Key}={Quote(pair.Value)}"))}";
    }

    private static string NameOf(string line) => line.Split('=', 2)[0].Trim(Spaces).Trim('"');

    private static bool IsProbe(string line) => NameOf(line).StartsWith(ProbePrefix, StringComparison.Ordinal);

    private (string[] Lines, string Line, int Index) Find(string database)
    {
        string[] lines = Read();
        int found = FindIn(lines, database);
        if (found >= 0)
        {
            return (lines, lines[found].Trim(Spaces), found);
        }

        string where = Includes().FirstOrDefault(file => file.Has(database)) is { } included ? $"It is in {included._path}, which that file includes: give that file."
            : Has("*") ? $"Its entry '*' serves that name. Add an entry of its own, '{database}', with what '*' has, and RELOAD."
            : $"Expected a line like: {database} = host=… port=… dbname=…; an entry in an included file is changed by giving that file.";
        throw new MigrationException("PgBouncerEntryNotFound", MigrationErrorKind.NotFound, $"The [databases] section of {_path} has no entry '{database}'. {where}");
    }

    private static int FindIn(string[] lines, string database)
    {
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
            else if (inSection && line.Length > 0 && line[0] is not (';' or '#' or '%') && NameOf(line) == wanted)
            {
                found = index; // of two with the same name PgBouncer takes the last
            }
        }

        return found;
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
