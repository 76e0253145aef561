using System.Globalization;
using System.Text;

namespace PgMigration;

/// <summary>Reads libpq's <c>host=db port=5432 password='it\'s'</c>: words parted by spaces, values in single quotes, a backslash before any letter.</summary>
/// <remarks>Source: conninfo_parse in fe-connect.c.</remarks>
internal static class ConninfoFormat
{
    public static void Read(string text, ServerText into)
    {
        int at = 0;
        for (int number = 1; SkipSpaces(text, ref at); number++)
        {
            int begin = at;
            while (at < text.Length && text[at] != '=' && !char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            string keyword = text[begin..at];
            string which = $"option {number.ToString(CultureInfo.InvariantCulture)}";
            if (!SkipSpaces(text, ref at) || text[at] != '=' || keyword.Length == 0)
            {
                throw into.Misplaced(which, "is not of the form name=value; a value with spaces stands in single quotes");
            }

            at++;
            SkipSpaces(text, ref at);
            begin = at;
            string value = ReadValue(text, ref at) ?? throw into.Misplaced($"the value of {which}", "begins with a single quote and has none at its end");
            if (begin < text.Length && text[begin] == '\'')
            {
                into.Add(keyword, value);
            }
            else
            {
                into.Add(keyword, value, value, ServerForm.Conninfo);
            }
        }
    }

    private static bool SkipSpaces(string text, ref int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            at++;
        }

        return at < text.Length;
    }

    private static string? ReadValue(string text, ref int at)
    {
        bool isQuoted = at < text.Length && text[at] == '\'';
        at += isQuoted ? 1 : 0;
        var value = new StringBuilder();
        for (; at < text.Length; at++)
        {
            char letter = text[at];
            if (letter == '\\' && at + 1 < text.Length)
            {
                value.Append(text[++at]);
            }
            else if (isQuoted && letter == '\'')
            {
                at++;
                return value.ToString();
            }
            else if (!isQuoted && char.IsWhiteSpace(letter))
            {
                return value.ToString();
            }
            else if (letter != '\\')
            {
                value.Append(letter);
            }
        }

        return isQuoted ? null : value.ToString();
    }
}
