using System.Text.RegularExpressions;

namespace PgMigration.Wal;

/// <summary>The name of a file that holds a part of a relation: <c>16384</c>, <c>16384_fsm</c>, <c>16384_init.1</c>, <c>t3_16384</c>.</summary>
/// <remarks>Source: parse_filename_for_nontemp_relation and looks_like_temp_rel_name in PostgreSQL.</remarks>
/// <param name="Number">The relation's file number.</param>
/// <param name="IsTemporary">Whether it belongs to a temporary table.</param>
/// <param name="IsInitialFork">Whether it is the initial fork of an unlogged relation.</param>
internal sealed partial record RelationFile(string Number, bool IsTemporary, bool IsInitialFork)
{
    /// <summary>Reads a file's name; null when it holds no relation.</summary>
    public static RelationFile? TryParse(string name)
    {
        var match = Pattern().Match(name);
        return match.Success ? new RelationFile(match.Groups["number"].Value, match.Groups["temporary"].Success, match.Groups["fork"].Value == "init") : null;
    }

    [GeneratedRegex(@"^(?<temporary>t\d+_)?(?<number>\d+)(_(?<fork>init|fsm|vm))?(\.\d+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
