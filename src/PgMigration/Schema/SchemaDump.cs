using System.Globalization;
using System.Text.RegularExpressions;

namespace PgMigration;

/// <summary>What pg_dump says of a database's schema, entry by entry.</summary>
/// <remarks>
/// Entries are known by their catalog rows, so nothing is taken from a name that could hold anything. pg_restore writes the statements, each
/// under a comment with the entry's number and catalog row; a comment counts only when its number and row are in the list of contents and have
/// not come yet, so text within a function that looks like one leads to an error and never to half a function.
/// </remarks>
internal static partial class SchemaDump
{
    /// <summary>Dumps the schema of the source and reads the dump.</summary>
    public static async Task<IReadOnlyList<SchemaEntry>> ReadAsync(DumpPrograms programs, PgServer source, SchemaCopyOptions options, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("pgmigration-"); // for its owner alone: definitions may hold secrets, such as a foreign server's
        try
        {
            string file = Path.Combine(folder.FullName, "schema.dump");
            await programs.DumpAsync(source, file, ["pgmigration", .. options.ExcludeSchema], options.LockTimeout, cancel);
            var contents = Contents(await programs.ReadAsync(file, cancel, "--list"));
            var entries = new List<SchemaEntry>();
            foreach (string section in (string[])["pre-data", "post-data"])
            {
                var owned = Read(await programs.ReadAsync(file, cancel, "--file=-", "--section", section), contents, section == "pre-data").ToDictionary(entry => entry.Id);
                entries.AddRange(Read(await programs.ReadAsync(file, cancel, "--file=-", "--no-owner", "--section", section), contents, section == "pre-data")
                    .Select(entry => entry with { Owner = owned[entry.Id].Owner, SqlWithOwner = owned[entry.Id].Sql })); // without owners, the comments name none either
            }

            return entries;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The list of contents: what each entry's line says after its number.</summary>
    internal static IReadOnlyDictionary<int, string> Contents(string list) =>
        ContentLine().Matches(list).ToDictionary(line => int.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture), line => line.Groups[2].Value);

    internal static IReadOnlyList<SchemaEntry> Read(string script, IReadOnlyDictionary<int, string> contents, bool isPreData)
    {
        var headers = EntryHeader().Matches(script).Where(header => contents.GetValueOrDefault(Number(header)) is { } line && line.StartsWith($"{header.Groups["class"]} {header.Groups["oid"]} ", StringComparison.Ordinal)).ToList();
        if (headers.Select(Number).Distinct().Count() != headers.Count)
        {
            throw new MigrationException("SchemaDumpUnreadable", MigrationErrorKind.InvalidData,
                "The schema's dump holds the comment of an entry twice. A function, view or comment of the source holds text that looks like pg_dump's own comments (-- TOC entry …): change it there.");
        }

        var entries = new List<SchemaEntry>(headers.Count);
        for (int i = 0; i < headers.Count; i++)
        {
            var header = headers[i];
            int begin = header.Index + header.Length;
            int end = i + 1 < headers.Count ? headers[i + 1].Index : script.Length;
            var (tag, type, schema, owner) = Title(header.Groups["title"].Value, contents[Number(header)]);
            entries.Add(new SchemaEntry(
                Number(header), uint.Parse(header.Groups["class"].Value, CultureInfo.InvariantCulture), uint.Parse(header.Groups["oid"].Value, CultureInfo.InvariantCulture),
                type, schema, tag, owner,
                [.. header.Groups["dependencies"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => int.Parse(number, CultureInfo.InvariantCulture)).Distinct()],
                WithoutTrailer(script[begin..end]))
            { IsPreData = isPreData });
        }

        return entries;
    }

    private static int Number(Match match) => int.Parse(match.Groups["id"].Value, CultureInfo.InvariantCulture);

    /// <summary>Parts <c>name; Type: TABLE; Schema: public; Owner: app</c>. A name may hold any of it, so the type is the one that the list of contents has.</summary>
    private static (string Tag, string Type, string Schema, string Owner) Title(string title, string line)
    {
        string described = line.Split(' ', 3)[2];
        foreach (Match type in TypeInTitle().Matches(title))
        {
            string rest = title[(type.Index + type.Length)..];
            int owner = rest.LastIndexOf("; Owner: ", StringComparison.Ordinal);
            if (owner >= 0 && rest.StartsWith("; Schema: ", StringComparison.Ordinal) && described.StartsWith($"{type.Groups[1].Value} {rest["; Schema: ".Length..owner]} ", StringComparison.Ordinal))
            {
                return (title[..type.Index], type.Groups[1].Value, rest["; Schema: ".Length..owner], rest[(owner + "; Owner: ".Length)..]);
            }
        }

        throw new MigrationException("SchemaDumpUnreadable", MigrationErrorKind.InvalidData, $"The schema's dump holds an entry that is not understood: {title}. Expected name, type, schema and owner.");
    }

    // After the last entry's statements comes what ends the script.
    private static string WithoutTrailer(string sql)
    {
        int end = sql.LastIndexOf("\n-- Completed on ", StringComparison.Ordinal);
        return (end >= 0 && Trailer().IsMatch(sql[end..]) ? sql[..end] : sql).Trim();
    }

    [GeneratedRegex(@"^(\d+); (\d+ \d+ .*)$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex ContentLine();

    [GeneratedRegex(@"^--\n-- TOC entry (?<id>\d+) \(class (?<class>\d+) OID (?<oid>\d+)\)\n(?:-- Dependencies:(?<dependencies>[ \d]*)\n)?-- Name: (?<title>.*)\n(?:-- Data Pos: .*\n)?--\n", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex EntryHeader();

    [GeneratedRegex(@"; Type: ([A-Z ]+?)(?=; Schema: )", RegexOptions.CultureInvariant)]
    private static partial Regex TypeInTitle();

    [GeneratedRegex(@"\A\n-- Completed on [^\n]*\n\s*--\n-- PostgreSQL database dump complete\n--\s*(\\unrestrict \S+\s*)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Trailer();
}
