using System.Text;
using System.Text.RegularExpressions;

namespace PgMigration.LocalDms;

/// <summary>Names in mapping rules: <c>%</c> is any text, <c>_</c> one character, and a set in brackets one of it, so that <c>[_]</c> is an underscore.</summary>
internal static class TablePattern
{
    /// <summary>The names that the rule matches.</summary>
    public static Regex For(string name, SelectionAction action)
    {
        var pattern = new StringBuilder("^");
        if (action == SelectionAction.Explicit)
        {
            pattern.Append(Regex.Escape(name));
        }
        else
        {
            for (int i = 0; i < name.Length; i++)
            {
                int end = name[i] == '[' ? name.IndexOf(']', i + 1) : -1;
                if (end > i + 1)
                {
                    pattern.Append('[').Append(name[(i + 1)..end].Replace(@"\", @"\\", StringComparison.Ordinal).Replace("^", @"\^", StringComparison.Ordinal)).Append(']');
                    i = end;
                }
                else
                {
                    pattern.Append(name[i] switch { '%' => ".*", '_' => ".", var other => Regex.Escape(other.ToString()) });
                }
            }
        }

        return new Regex(pattern.Append('$').ToString(), RegexOptions.CultureInvariant | RegexOptions.Singleline | RegexOptions.NonBacktracking);
    }
}
