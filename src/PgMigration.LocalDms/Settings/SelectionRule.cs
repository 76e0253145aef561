using System.Text.RegularExpressions;

namespace PgMigration.LocalDms;

/// <summary>A selection rule.</summary>
/// <param name="Action">What it does.</param>
/// <param name="Schema">The schemas that it matches.</param>
/// <param name="Table">The tables that it matches.</param>
/// <param name="LoadOrder">The order that it gives them, if it does.</param>
internal sealed record SelectionRule(SelectionAction Action, Regex Schema, Regex Table, int? LoadOrder)
{
    /// <summary>Whether it speaks of the table.</summary>
    public bool Matches(string schema, string table) => Schema.IsMatch(schema) && Table.IsMatch(table);
}
