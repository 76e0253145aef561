using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PgMigration.LocalDms;

/// <summary>Which tables a task moves, in what order, and how large ones are split.</summary>
/// <remarks>Source: the AWS DMS user guide, "Specifying table selection and transformations rules using JSON", "Wildcards in table mapping".</remarks>
internal sealed class TableMappings
{
    private readonly List<SelectionRule> _rules = [];
    private readonly List<TableSettingsRule> _tables = [];

    private TableMappings()
    {
    }

    /// <summary>Reads the JSON of CreateReplicationTask's TableMappings.</summary>
    /// <exception cref="Fault">InvalidParameterValueException: which rule is wrong.</exception>
    public static TableMappings Parse(string? text)
    {
        try
        {
            if (string.IsNullOrWhiteSpace(text) || JsonNode.Parse(text)?["rules"] is not JsonArray { Count: > 0 } rules)
            {
                throw Invalid("'rules' with at least one rule was expected");
            }

            var mappings = new TableMappings();
            var ids = new HashSet<string>(StringComparer.Ordinal);
            foreach (var rule in rules)
            {
                string id = TextOf(rule, "rule-id") ?? throw Invalid("a rule has no 'rule-id'");
                if (!ids.Add(id))
                {
                    throw Invalid($"rule-id {id} is there twice");
                }

                mappings.Add(id, rule!);
            }

            return mappings._rules.Exists(rule => rule.Action != SelectionAction.Exclude) ? mappings : throw Invalid("no selection rule includes anything");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw Invalid(error.Message);
        }
    }

    /// <summary>Whether the task moves the table: some rule includes it, and none excludes it.</summary>
    public bool Includes(string schema, string table) =>
        _rules.Exists(rule => rule.Action != SelectionAction.Exclude && rule.Matches(schema, table))
        && !_rules.Exists(rule => rule.Action == SelectionAction.Exclude && rule.Matches(schema, table));

    /// <summary>The table's load order: the highest loads first.</summary>
    public int LoadOrder(string schema, string table) => _rules.Where(rule => rule.Matches(schema, table)).Max(rule => rule.LoadOrder) ?? 0;

    /// <summary>What a rule of the kind table-settings says of the table, or null.</summary>
    public TableSettingsRule? SettingsOf(string schema, string table) => _tables.Find(rule => rule.Matches(schema, table));

    private void Add(string id, JsonNode rule)
    {
        var locator = rule["object-locator"];
        string schema = TextOf(locator, "schema-name") ?? throw Invalid($"rule {id} has no 'object-locator' with a 'schema-name'");
        string table = TextOf(locator, "table-name") ?? throw Invalid($"rule {id} has no 'object-locator' with a 'table-name'");
        string kind = TextOf(rule, "rule-type") ?? throw Invalid($"rule {id} has no 'rule-type'");
        if (rule["filters"] is JsonArray { Count: > 0 })
        {
            throw Invalid($"rule {id} has filters, which the local DMS does not know");
        }

        switch (kind)
        {
            case "selection":
                var action = TextOf(rule, "rule-action") switch
                {
                    "include" => SelectionAction.Include,
                    "exclude" => SelectionAction.Exclude,
                    "explicit" => SelectionAction.Explicit,
                    var other => throw Invalid($"rule {id} has the rule-action '{other}'; expected include, exclude or explicit"),
                };
                int? order = TextOf(rule, "load-order") is { } number ? int.Parse(number, CultureInfo.InvariantCulture) : null;
                _rules.Add(new(action, TablePattern.For(schema, action), TablePattern.For(table, action), order));
                break;
            case "table-settings":
                _tables.Add(new(TablePattern.For(schema, SelectionAction.Include), TablePattern.For(table, SelectionAction.Include), ParallelLoad.Parse(id, rule["parallel-load"])));
                break;
            default:
                throw Invalid($"rule {id} is of the rule-type '{kind}'; the local DMS knows selection and table-settings");
        }
    }

    internal static Fault Invalid(string why) => Fault.InvalidValue($"Error in mapping rules. {why}.");

    // numbers come as numbers and as text
    internal static string? TextOf(JsonNode? node, string name) => node?[name] switch
    {
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => value.ToJsonString(),
        _ => null,
    };
}
