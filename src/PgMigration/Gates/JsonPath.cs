using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PgMigration;

/// <summary>A place in a JSON document: <c>$.data[0].rate</c>, <c>data['error rate']</c>, <c>items[-1].value</c> (the last).</summary>
/// <remarks>The part of RFC 9535 that leads to one place: members and indexes. Wildcards and filters lead to many and are refused.</remarks>
public sealed class JsonPath
{
    private static readonly SearchValues<char> NotInNames = SearchValues.Create("*?@()'\"");

    private readonly string _text;
    private readonly List<object> _steps = []; // a string for a member, an int for an index

    private JsonPath(string text) => _text = text;

    /// <summary>Reads a path; the leading <c>$</c> may be left out.</summary>
    /// <exception cref="MigrationException"><c>JsonPathInvalid</c>, with the place.</exception>
    public static JsonPath Parse(string text)
    {
        var path = new JsonPath(text);
        int at = text.StartsWith('$') ? 1 : 0;
        bool first = at == 0;
        while (at < text.Length)
        {
            if (text[at] == '[')
            {
                path._steps.Add(ReadBracket(text, ref at));
            }
            else if (text[at] == '.' || first)
            {
                at += text[at] == '.' ? 1 : 0;
                int end = text.AsSpan(at).IndexOfAny('.', '[');
                string name = end < 0 ? text[at..] : text.Substring(at, end);
                if (name.Length == 0 || name.AsSpan().IndexOfAny(NotInNames) >= 0)
                {
                    throw Invalid(text, at);
                }

                path._steps.Add(name);
                at += name.Length;
            }
            else
            {
                throw Invalid(text, at);
            }

            first = false;
        }

        return path;
    }

    /// <summary>What is there; null when there is nothing.</summary>
    public JsonElement? Find(JsonElement root)
    {
        var here = root;
        foreach (object step in _steps)
        {
            if (step is string name)
            {
                if (here.ValueKind != JsonValueKind.Object || !here.TryGetProperty(name, out here))
                {
                    return null;
                }
            }
            else
            {
                int length = here.ValueKind == JsonValueKind.Array ? here.GetArrayLength() : 0;
                int index = (int)step < 0 ? length + (int)step : (int)step;
                if (index < 0 || index >= length)
                {
                    return null;
                }

                here = here[index];
            }
        }

        return here;
    }

    /// <summary>As it was written.</summary>
    public override string ToString() => _text;

    private static object ReadBracket(string text, ref int at)
    {
        int begin = ++at;
        if (at < text.Length && text[at] is '\'' or '"')
        {
            char quote = text[at++];
            var name = new StringBuilder();
            while (at < text.Length && text[at] != quote)
            {
                at += text[at] == '\\' && at + 1 < text.Length ? 1 : 0;
                name.Append(text[at++]);
            }

            if (at + 1 < text.Length && text[at + 1] == ']')
            {
                at += 2;
                return name.ToString();
            }
        }
        else if (text.IndexOf(']', at) is > 0 and var end && int.TryParse(text.AsSpan(at, end - at), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index))
        {
            at = end + 1;
            return index;
        }

        throw Invalid(text, begin);
    }

    private static MigrationException Invalid(string text, int at) => new("JsonPathInvalid", MigrationErrorKind.InvalidArgument, string.Create(CultureInfo.InvariantCulture,
        $"The JSON path '{text}' is not understood at character {at + 1}. Expected names and indexes that lead to one value, such as $.data[0].rate or items[-1]['error rate']."));
}
