namespace PgMigration.LocalDms;

/// <summary>A part of a table that is to be loaded.</summary>
/// <param name="Run">The table.</param>
/// <param name="Source">The table as the source has it.</param>
/// <param name="Target">The table as the target has it.</param>
/// <param name="Number">The part's number.</param>
/// <param name="Condition">Which rows; null for all.</param>
internal sealed record TablePart(TableRun Run, TableDefinition Source, TableDefinition Target, int Number, string? Condition)
{
    /// <summary>The parts of a table, as its rule splits it.</summary>
    public static IEnumerable<TablePart> Split(TableRun run, TableDefinition source, TableDefinition target, ParallelLoad? rule)
    {
        if (rule is null)
        {
            yield return new(run, source, target, 0, null);
            yield break;
        }

        // Comparisons of rows are NULL where they meet one: each row is in the first part whose boundary it surely does not exceed, or in the last.
        string row = $"({string.Join(", ", rule.Columns.Select(Sql.Name))})";
        for (int i = 0; i < rule.Parts; i++)
        {
            string? within = i < rule.Boundaries.Count ? $"({row} <= {Values(rule.Boundaries[i])}) IS TRUE" : null;
            string? beyond = i > 0 ? $"({row} <= {Values(rule.Boundaries[i - 1])}) IS NOT TRUE" : null;
            yield return new(run, source, target, i, string.Join(" AND ", new[] { within, beyond }.OfType<string>()));
        }
    }

    private static string Values(IEnumerable<string> boundary) => $"({string.Join(", ", boundary.Select(Sql.Literal))})";
}
