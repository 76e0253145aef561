using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace PgMigration.HelpWriter;

/// <summary>The documentation comments of an assembly, as plain text for a terminal.</summary>
/// <param name="xml">The file that the compiler wrote.</param>
internal sealed partial class Documentation(XDocument xml)
{
    private readonly Dictionary<string, XElement> _members = xml.Descendants("member").ToDictionary(member => (string)member.Attribute("name")!);

    /// <summary>The paragraphs of one tag of a member's comment; none when it has no such tag.</summary>
    /// <param name="member">The member's documentation id, such as <c>T:PgMigration.Cmdlets.GetWalBackupCommand</c>.</param>
    /// <param name="tag">Such as <c>summary</c>.</param>
    public IReadOnlyList<string> Paragraphs(string member, string tag) => _members.GetValueOrDefault(member)?.Element(tag) is { } element ? Paragraphs(element) : [];

    /// <summary>The examples of a type's comment: the code, and what it does.</summary>
    public IEnumerable<(string Code, IReadOnlyList<string> Remarks)> Examples(string member) =>
        from example in _members.GetValueOrDefault(member)?.Elements("example") ?? []
        let code = example.Element("code")
        where code is not null
        select (Dedent(code.Value), Paragraphs(new XElement("remarks", example.Nodes().Where(node => node != code))));

    private static IReadOnlyList<string> Paragraphs(XElement element)
    {
        var paragraphs = new List<string>();
        var running = new StringBuilder();
        foreach (var node in element.Nodes())
        {
            if (node is XElement { Name.LocalName: "para" } para)
            {
                Finish();
                paragraphs.AddRange(Paragraphs(para));
            }
            else
            {
                running.Append(TextOf(node));
            }
        }

        Finish();
        return paragraphs;

        void Finish()
        {
            if (Spaces().Replace(running.ToString(), " ").Trim() is { Length: > 0 } text)
            {
                paragraphs.Add(text);
            }

            running.Clear();
        }
    }

    private static string TextOf(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" or "seealso" } see when see.Nodes().Any() => see.Value,
        XElement { Name.LocalName: "see" or "seealso" or "paramref" } see => ShortName((string?)see.Attribute("cref") ?? (string?)see.Attribute("langword") ?? (string?)see.Attribute("href") ?? (string)see.Attribute("name")!),
        XElement element => string.Concat(element.Nodes().Select(TextOf)),
        _ => string.Empty,
    };

    // P:PgMigration.Cmdlets.GetWalBackupCommand.Archive is -Archive to the reader, and T:…GetWalBackupCommand is Get-WalBackup
    private static string ShortName(string reference)
    {
        string name = reference.Contains('(', StringComparison.Ordinal) ? reference[..reference.IndexOf('(', StringComparison.Ordinal)] : reference;
        name = name[(name.LastIndexOf('.') + 1)..];
        return reference switch
        {
            ['P', ':', ..] when reference.Contains("Command.", StringComparison.Ordinal) => "-" + name,
            ['T', ':', ..] when name.EndsWith("Command", StringComparison.Ordinal) => CommandWords().Replace(name[..^"Command".Length], "$1-", 1),
            _ => name,
        };
    }

    private static string Dedent(string code)
    {
        string[] lines = code.Trim('\r', '\n').TrimEnd().Split('\n');
        int margin = lines.Where(line => line.Trim().Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Length >= margin ? line[margin..].TrimEnd() : string.Empty));
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"^([A-Z][a-z]+)")]
    private static partial Regex CommandWords();
}
