using System.Globalization;
using System.Text.RegularExpressions;

namespace PgMigration;

/// <summary>Whether a column's type, as <c>format_type</c> writes it, holds all that another one does: a wider column on the new server is a choice, a narrower one an accident.</summary>
internal static partial class ColumnTypes
{
    private static readonly string[] Integers = ["smallint", "integer", "bigint", "numeric"];

    /// <summary>Whether every value of one type fits the other unchanged.</summary>
    public static bool IsWider(string type, string than)
    {
        var (name, first, second) = Parse(type);
        var (oldName, oldFirst, oldSecond) = Parse(than);
        return (oldName, name) switch
        {
            _ when Array.IndexOf(Integers, oldName) is >= 0 and var old && old < 3 && Array.IndexOf(Integers, name) > old => first is null,
            ("real", "double precision") => true,
            ("character varying", "text") => true,
            ("character varying", "character varying") => first is null || first >= oldFirst,
            ("numeric", "numeric") => first is null || (oldFirst is not null && (second ?? 0) >= (oldSecond ?? 0) && first - (second ?? 0) >= oldFirst - (oldSecond ?? 0)),
            _ => false,
        };
    }

    private static (string Name, int? First, int? Second) Parse(string type)
    {
        var match = Shape().Match(type);
        return (match.Groups[1].Value, Number(match.Groups[2]), Number(match.Groups[3]));
    }

    private static int? Number(Group group) => group.Success ? int.Parse(group.ValueSpan, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"^([a-z ]+?)(?:\((\d+)(?:,(-?\d+))?\))?$")]
    private static partial Regex Shape();
}
