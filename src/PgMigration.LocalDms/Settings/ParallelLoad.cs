using System.Text.Json.Nodes;

namespace PgMigration.LocalDms;

/// <summary>A table that is loaded in parts, by ranges of columns.</summary>
/// <remarks>
/// A boundary is the upper end of a part and belongs to it; the last part holds what lies above all boundaries. Source: the AWS DMS user
/// guide, "Using parallel load for selected tables, views, and collections".
/// </remarks>
/// <param name="Columns">The columns that are compared, in order.</param>
/// <param name="Boundaries">A value for each column, one list for each boundary, ascending.</param>
internal sealed record ParallelLoad(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Boundaries)
{
    /// <summary>How many parts there are.</summary>
    public int Parts => Boundaries.Count + 1;

    /// <summary>Reads the rule's <c>parallel-load</c>.</summary>
    /// <exception cref="Fault">InvalidParameterValueException: what PostgreSQL sources do not support.</exception>
    public static ParallelLoad? Parse(string id, JsonNode? rule)
    {
        switch (TableMappings.TextOf(rule, "type"))
        {
            case null or "none":
                return null;
            case "ranges":
                var columns = Texts(rule!["columns"]);
                var boundaries = (rule["boundaries"] as JsonArray ?? []).Select(Texts).ToList();
                return columns.Count > 0 && boundaries.Count > 0 && boundaries.TrueForAll(boundary => boundary.Count == columns.Count)
                    ? new ParallelLoad(columns, boundaries)
                    : throw TableMappings.Invalid($"rule {id}: 'ranges' needs 'columns', and 'boundaries' with a value for each of them");
            case var other:
                throw TableMappings.Invalid($"rule {id}: parallel-load by '{other}' is not supported for PostgreSQL sources; expected ranges or none");
        }
    }

    private static List<string> Texts(JsonNode? list) =>
        [.. (list as JsonArray ?? []).Select(item => item is JsonValue value && value.TryGetValue(out string? text) ? text : item?.ToJsonString() ?? string.Empty)];
}
