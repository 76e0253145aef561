using System.Management.Automation;
using System.Reflection;
using System.Xml.Linq;

namespace PgMigration.HelpWriter;

/// <summary>One cmdlet's help: what the engine knows of its parameters, and what its comments say about them.</summary>
internal sealed class CmdletHelp
{
    private readonly Type _type;
    private readonly Documentation _documentation;
    private readonly CmdletAttribute _cmdlet;
    private readonly CmdletInfo _info;
    private readonly object _instance; // tells what its parameters are when nobody gives them

    public CmdletHelp(Type type, Documentation documentation)
    {
        _type = type;
        _documentation = documentation;
        _cmdlet = type.GetCustomAttribute<CmdletAttribute>()!;
        _info = new CmdletInfo($"{_cmdlet.VerbName}-{_cmdlet.NounName}", type);
        _instance = Activator.CreateInstance(type)!;
    }

    private string TypeId => $"T:{_type.FullName}";

    private IEnumerable<string> Summary => _documentation.Paragraphs(TypeId, "summary");

    /// <summary>The cmdlet's element of the help file.</summary>
    public XElement ToMaml()
    {
        var all = _info.ParameterSets
            .SelectMany(set => set.Parameters)
            .Where(IsOurs)
            .DistinctBy(parameter => parameter.Name)
            .OrderBy(parameter => parameter.Position < 0 ? int.MaxValue : parameter.Position)
            .ToList();
        return new XElement(Maml.Command + "command", Maml.Prefixes,
            new XElement(Maml.Command + "details",
                new XElement(Maml.Command + "name", _info.Name),
                Maml.Text("description", Summary),
                new XElement(Maml.Command + "verb", _cmdlet.VerbName),
                new XElement(Maml.Command + "noun", _cmdlet.NounName)),
            Maml.Text("description", Summary.Concat(_documentation.Paragraphs(TypeId, "remarks"))),
            new XElement(Maml.Command + "syntax", _info.ParameterSets.Select(set => new XElement(Maml.Command + "syntaxItem",
                new XElement(Maml.Namespace + "name", _info.Name),
                set.Parameters.Where(IsOurs).Select(parameter => Parameter(parameter, inSyntax: true))))),
            new XElement(Maml.Command + "parameters", all.Select(parameter => Parameter(parameter, inSyntax: false))),
            new XElement(Maml.Command + "inputTypes", all.Where(IsPiped).Select(parameter => Maml.Typed("inputType", parameter.ParameterType))),
            new XElement(Maml.Command + "returnValues", _info.OutputType.Where(output => output.Type is not null).Select(output => Maml.Typed("returnValue", output.Type))),
            new XElement(Maml.Command + "examples", _documentation.Examples(TypeId).Select((example, i) => new XElement(Maml.Command + "example",
                new XElement(Maml.Namespace + "title", $"Example {i + 1}"),
                new XElement(Maml.Dev + "code", example.Code),
                new XElement(Maml.Dev + "remarks", Maml.Paragraphs(example.Remarks))))));
    }

    private static bool IsPiped(CommandParameterInfo parameter) => parameter.ValueFromPipeline || parameter.ValueFromPipelineByPropertyName;

    private static bool IsOurs(CommandParameterInfo parameter) =>
        !Cmdlet.CommonParameters.Contains(parameter.Name) && !Cmdlet.OptionalCommonParameters.Contains(parameter.Name);

    private XElement Parameter(CommandParameterInfo parameter, bool inSyntax)
    {
        bool isSwitch = parameter.ParameterType == typeof(SwitchParameter);
        string piped = (parameter.ValueFromPipeline, parameter.ValueFromPipelineByPropertyName) switch
        {
            (true, true) => "true (ByValue, ByPropertyName)",
            (true, false) => "true (ByValue)",
            (false, true) => "true (ByPropertyName)",
            _ => "false",
        };
        return new XElement(Maml.Command + "parameter",
            new XAttribute("required", parameter.IsMandatory ? "true" : "false"),
            new XAttribute("variableLength", parameter.ParameterType.IsArray ? "true" : "false"),
            new XAttribute("globbing", parameter.Attributes.OfType<SupportsWildcardsAttribute>().Any() ? "true" : "false"),
            new XAttribute("pipelineInput", piped),
            new XAttribute("position", parameter.Position < 0 ? "named" : parameter.Position.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            new XAttribute("aliases", parameter.Aliases.Count == 0 ? "none" : string.Join(", ", parameter.Aliases)),
            new XElement(Maml.Namespace + "name", parameter.Name),
            Maml.Text("description", DescriptionOf(parameter.Name)),
            isSwitch && inSyntax ? null : new XElement(Maml.Command + "parameterValue",
                new XAttribute("required", isSwitch ? "false" : "true"),
                new XAttribute("variableLength", parameter.ParameterType.IsArray ? "true" : "false"),
                Maml.NameOf(parameter.ParameterType)),
            new XElement(Maml.Dev + "type", new XElement(Maml.Namespace + "name", Maml.NameOf(parameter.ParameterType))),
            new XElement(Maml.Dev + "defaultValue", isSwitch ? "False" : DefaultOf(parameter.Name)));
    }

    private string? DefaultOf(string parameter) => _type.GetProperty(parameter)?.GetValue(_instance) switch
    {
        null or 0 or 0L or "" or Array { Length: 0 } => null,
        Array values => string.Join(", ", values.Cast<object>()),
        IFormattable value => value.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
        var value => value.ToString(),
    };

    // the property may belong to a base class; remarks hold what does not fit one sentence
    private IEnumerable<string> DescriptionOf(string parameter)
    {
        for (var type = _type; type is not null; type = type.BaseType)
        {
            string id = $"P:{type.FullName}.{parameter}";
            if (_documentation.Paragraphs(id, "summary") is { Count: > 0 } summary)
            {
                return summary.Concat(_documentation.Paragraphs(id, "remarks"));
            }
        }

        return [];
    }
}
