using System.Management.Automation.Language;
using System.Text.RegularExpressions;

namespace PgMigration.Shell;

/// <summary>Turns words of a command line into a script's arguments: <c>-Name value</c>, <c>-Switch</c>, <c>-Switch:$false</c>, <c>-List a,b</c>.</summary>
/// <remarks>
/// The words become what a person would type at a prompt: names bare, values quoted. So the engine's binder decides what is a switch, and
/// what it does not know reaches <c>$args</c>, or the parameter that takes the rest, as it was typed.
/// </remarks>
internal static partial class ScriptArguments
{
    /// <summary>The arguments in their order, as PowerShell text.</summary>
    /// <param name="words">The words after the script on the command line.</param>
    /// <param name="script">The parsed script, whose parameters say where <c>a,b</c> is a list.</param>
    public static string Render(IEnumerable<string> words, ScriptBlockAst script)
    {
        var typed = new List<string>();
        ParameterAst? pending = null;
        foreach (string word in words)
        {
            if (!NamePattern().IsMatch(word))
            {
                typed.Add(Value(word, pending));
                pending = null;
                continue;
            }

            int colon = word.IndexOf(':');
            string name = colon < 0 ? word : word[..colon];
            pending = ParameterOf(script, name[1..]);
            if (colon < 0 || colon == word.Length - 1)
            {
                typed.Add(name);
            }
            else
            {
                typed.Add($"{name}:{Value(word[(colon + 1)..], pending)}");
                pending = null;
            }
        }

        return string.Join(' ', typed);
    }

    /// <summary>A text as a PowerShell literal.</summary>
    public static string Quote(string text) => $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";

    private static string Value(string text, ParameterAst? parameter) => text.ToUpperInvariant() switch
    {
        "$TRUE" or "$FALSE" => text,
        _ when TakesList(parameter) => string.Join(',', text.Split(',').Select(Quote)),
        _ => Quote(text),
    };

    // the whole name, an alias, or an unambiguous beginning, as the binder has it
    private static ParameterAst? ParameterOf(ScriptBlockAst script, string name)
    {
        var all = script.ParamBlock?.Parameters ?? [];
        var exact = all.FirstOrDefault(parameter => NamesOf(parameter).Contains(name, StringComparer.OrdinalIgnoreCase));
        return exact ?? (all.Where(parameter => parameter.Name.VariablePath.UserPath.StartsWith(name, StringComparison.OrdinalIgnoreCase)).ToArray() is [var only] ? only : null);
    }

    private static IEnumerable<string> NamesOf(ParameterAst parameter) => parameter.Attributes
        .OfType<AttributeAst>()
        .Where(attribute => attribute.TypeName.Name.Equals("Alias", StringComparison.OrdinalIgnoreCase))
        .SelectMany(attribute => attribute.PositionalArguments.OfType<StringConstantExpressionAst>())
        .Select(alias => alias.Value)
        .Prepend(parameter.Name.VariablePath.UserPath);

    private static bool TakesList(ParameterAst? parameter) => parameter is not null && parameter.Attributes.Any(attribute => attribute.TypeName.IsArray);

    [GeneratedRegex(@"^-[\p{L}_][\p{L}\p{Nd}_]*(:.*)?$", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
