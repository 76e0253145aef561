using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PgMigration;

/// <summary>The table mappings of a task: each table by its exact name, the large ones first, some in ranges.</summary>
/// <remarks>
/// Tables are named one by one, not by patterns: a pattern would take in what is created later, and what another task has. Source of the form:
/// the DMS user guide, "Specifying table selection and transformations rules using JSON".
/// </remarks>
internal static class DmsTableMappings
{
    /// <summary>The JSON text.</summary>
    /// <param name="tables">The tables of one task.</param>
    /// <param name="heartbeat">The name of our own table among them, which is loaded first of all.</param>
    public static string For(IReadOnlyList<DmsTable> tables, string heartbeat)
    {
        var rules = new JsonArray { Select(1, MarkTable.Schema, heartbeat, tables.Count + 1) };
        int id = 1;
        foreach (var table in tables.OrderByDescending(table => table.Bytes))
        {
            rules.Add(Select(++id, table.Schema, table.Name, tables.Count + 2 - id));
        }

        foreach (var table in tables.Where(table => table.Boundaries.Count > 0))
        {
            rules.Add(Ranges(++id, table));
        }

        return new JsonObject { ["rules"] = rules }.ToJsonString();
    }

    /// <summary>The same mappings with one more table; null when it is among them already.</summary>
    public static string? With(string mappings, string schema, string table)
    {
        var root = JsonNode.Parse(mappings)!.AsObject();
        var rules = root["rules"]!.AsArray();
        if (Has(mappings, schema, table))
        {
            return null;
        }

        int free = 1 + rules.Select(rule => int.TryParse((string?)rule!["rule-id"], NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : 0).DefaultIfEmpty().Max();
        rules.Add(Select(free, schema, table, 1));
        return root.ToJsonString();
    }

    /// <summary>Whether a task's mappings name a table.</summary>
    public static bool Has(string? mappings, string schema, string table) => mappings is not null && Selected(mappings).Any(each => each == (schema, table));

    /// <summary>What is selected by name, as the mappings say it; patterns among it.</summary>
    public static IReadOnlyList<(string Schema, string Table)> Selected(string mappings)
    {
        try
        {
            return [.. JsonNode.Parse(mappings)!["rules"]!.AsArray()
                .Where(rule => (string?)rule!["rule-type"] == "selection" && (string?)rule["rule-action"] != "exclude")
                .Select(rule => ((string?)rule!["object-locator"]?["schema-name"] ?? "%", (string?)rule["object-locator"]?["table-name"] ?? "%"))];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or NullReferenceException)
        {
            return [];
        }
    }

    private static JsonObject Select(int id, string schema, string table, int order) => new(Rule("selection", id, schema, table))
    {
        ["rule-action"] = "explicit",
        ["load-order"] = order, // the larger number is loaded earlier
    };

    private static JsonObject Ranges(int id, DmsTable table) => new(Rule("table-settings", id, table.Schema, table.Name))
    {
        ["parallel-load"] = new JsonObject
        {
            ["type"] = "ranges",
            ["columns"] = new JsonArray(table.KeyColumns[0]),
            ["boundaries"] = new JsonArray([.. table.Boundaries.Select(value => new JsonArray(value))]),
        },
    };

    private static Dictionary<string, JsonNode?> Rule(string type, int id, string schema, string table) => new()
    {
        ["rule-type"] = type,
        ["rule-id"] = id.ToString(CultureInfo.InvariantCulture),
        ["rule-name"] = id.ToString(CultureInfo.InvariantCulture),
        ["object-locator"] = new JsonObject { ["schema-name"] = schema, ["table-name"] = table },
    };
}
