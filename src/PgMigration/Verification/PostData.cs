using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>What belongs to tables beside their rows, and what only reads them: whether the target has all that the source has, whether it is valid, and whether it says the same.</summary>
/// <remarks>
/// What PostgreSQL writes out again from what it parsed can read otherwise in another major version. Between two of them such a text is only
/// warned of; columns and their types, keys, uniqueness, the columns of indexes, row security and the bodies of functions are compared all the same.
/// </remarks>
/// <param name="Gaps">What the target lacks, cannot use, or has otherwise, each in a few words.</param>
/// <param name="Remarks">What is other and need not be wrong, likewise.</param>
internal sealed record PostData(IReadOnlyList<string> Gaps, IReadOnlyList<string> Remarks)
{
    private const int LongestShown = 160;

    /// <summary>Compares both servers.</summary>
    /// <param name="source">A session on the source.</param>
    /// <param name="target">A session on the target.</param>
    /// <param name="tables">The moved tables, as <c>schema.table</c>; what belongs to others is not asked. What only reads is asked of all.</param>
    /// <param name="accepted">Names, with wildcards, of what is known to be other on the target and is to be so.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<PostData> CompareAsync(NpgsqlConnection source, NpgsqlConnection target, IReadOnlyCollection<string> tables, IReadOnlyCollection<string> accepted, CancellationToken cancel)
    {
        var both = await Task.WhenAll(PostDataItem.ReadAsync(source, tables, withAllParents: false, cancel), PostDataItem.ReadAsync(target, tables, withAllParents: true, cancel));
        return Compare(both[0], both[1], source.PostgreSqlVersion.Major == target.PostgreSqlVersion.Major, accepted);
    }

    /// <summary>The gaps in a sentence, with the next step.</summary>
    public static string Explain(IReadOnlyList<string> gaps) => string.Create(CultureInfo.InvariantCulture,
        $"The target is not as the source in {gaps.Count} things: {string.Join("; ", gaps.Take(8))}{(gaps.Count > 8 ? "; …" : string.Empty)}. What is missing, Copy-PgSchema makes (columns aside); what is other it leaves alone: change it there, or drop it and copy again, or name what is to be so with -AcceptDifference.");

    private static PostData Compare(List<PostDataItem> here, List<PostDataItem> target, bool isSameMajor, IReadOnlyCollection<string> accepted)
    {
        var there = target.ToLookup(item => (item.Kind, item.Name));
        bool IsWidened(PostDataItem item) => item.Kind == PostDataItem.Column && there[(item.Kind, item.Name)].FirstOrDefault() is { Facts: { } type } && type != item.Facts && ColumnTypes.IsWider(type, item.Facts!);
        var widened = here.Where(IsWidened).Select(item => item.Table!).ToHashSet();
        var (gaps, remarks) = (new List<string>(), new List<string>());

        // The default of a sequence's next value is made with the sequence.
        foreach (var item in here.Where(item => item.Kind != PostDataItem.Default || !SequenceCatalog.IsPlain(item.Text!)))
        {
            var (difference, isGrave) = Difference(item, [.. there[(item.Kind, item.Name)]], isSameMajor && !(item.Table is { } table && widened.Contains(table)));
            if (difference is not null)
            {
                (isGrave && !IsWidened(item) && !accepted.Any(pattern => DmsTables.Fits(item.Name, pattern)) ? gaps : remarks).Add($"{item.Kind} {item.Name} {difference}");
            }
        }

        return new PostData(gaps, remarks);
    }

    private static (string? Difference, bool IsGrave) Difference(PostDataItem item, PostDataItem[] found, bool textsAreComparable) => found switch
    {
        [] when item.Kind == PostDataItem.EnumType => (null, false), // whoever has a column of it has the type
        [] => (item.Kind == PostDataItem.Default ? $"is missing ({Making(item)})" : "is missing", item.Kind != PostDataItem.Statistics),
        [{ IsUsable: false }, ..] when item.IsUsable => ("is not valid or not enabled", true),
        [var other, ..] when other.Facts != item.Facts => (Otherwise(item.Kind, item.Facts, other.Facts), true),
        [var other, ..] when other.Text != item.Text => (Otherwise(item.Kind, item.Text, other.Text), textsAreComparable),
        _ => (null, false),
    };

    private static string Making(PostDataItem item)
    {
        int column = item.Name.LastIndexOf('.'); // a name with a point within is in quotes, and its last part may begin behind them
        column = item.Name.EndsWith('"') ? item.Name.LastIndexOf(".\"", StringComparison.Ordinal) : column;
        string sequence = item.Text!.Contains("nextval(", StringComparison.Ordinal) ? "Repair-PgSequence with the source makes its sequence; then " : string.Empty;
        return $"{sequence}ALTER TABLE {item.Name[..column]} ALTER COLUMN {item.Name[(column + 1)..]} SET DEFAULT {item.Text}";
    }

    private static string Otherwise(string kind, string? source, string? target) =>
        kind is "view" or "materialized view" or "function" or "trigger" or "index" && (source?.Length > LongestShown || target?.Length > LongestShown || kind is "function" or "trigger")
            ? "is not the same as on the source"
            : $"is {Shown(target)} on the target, {Shown(source)} on the source";

    private static string Shown(string? text)
    {
        string line = string.Join(' ', (text ?? "nothing").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= LongestShown ? line : $"{line[..LongestShown]}…";
    }
}
