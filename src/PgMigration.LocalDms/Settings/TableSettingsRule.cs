using System.Text.RegularExpressions;

namespace PgMigration.LocalDms;

/// <summary>A rule of the kind table-settings.</summary>
/// <param name="Schema">The schemas that it matches.</param>
/// <param name="Table">The tables that it matches.</param>
/// <param name="ParallelLoad">How the table is split; null for as a whole.</param>
internal sealed record TableSettingsRule(Regex Schema, Regex Table, ParallelLoad? ParallelLoad)
{
    /// <summary>Whether it speaks of the table.</summary>
    public bool Matches(string schema, string table) => Schema.IsMatch(schema) && Table.IsMatch(table);
}
