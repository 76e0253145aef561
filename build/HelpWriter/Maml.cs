using System.Xml.Linq;

namespace PgMigration.HelpWriter;

/// <summary>The words of the engine's help format.</summary>
internal static class Maml
{
    public static readonly XNamespace Namespace = "http://schemas.microsoft.com/maml/2004/10";
    public static readonly XNamespace Command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    public static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    private static readonly XNamespace Msh = "http://msh";

    /// <summary>The prefixes that the engine expects on each command.</summary>
    public static IEnumerable<XAttribute> Prefixes =>
        [new(XNamespace.Xmlns + "maml", Namespace), new(XNamespace.Xmlns + "command", Command), new(XNamespace.Xmlns + "dev", Dev)];

    public static XElement HelpItems(IEnumerable<XElement> commands) => new(Msh + "helpItems", new XAttribute("schema", "maml"), commands);

    public static XElement Text(string element, IEnumerable<string> paragraphs) => new(Namespace + element, Paragraphs(paragraphs));

    public static IEnumerable<XElement> Paragraphs(IEnumerable<string> paragraphs) => paragraphs.Select(paragraph => new XElement(Namespace + "para", paragraph));

    public static XElement Typed(string element, Type type) => new(Command + element, new XElement(Dev + "type", new XElement(Namespace + "name", type.FullName)));

    /// <summary>A type as people write it: <c>TimeSpan</c>, <c>string[]</c> as <c>String[]</c>, a nullable as what it holds.</summary>
    public static string NameOf(Type type) => (Nullable.GetUnderlyingType(type) ?? type).Name;
}
