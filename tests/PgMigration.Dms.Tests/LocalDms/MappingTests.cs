using PgMigration.LocalDms;

namespace PgMigration.Dms.Tests;

/// <summary>Table mappings and settings, as text.</summary>
public sealed class MappingTests
{
    [Theory]
    [InlineData("include", "shop", "order%", "shop", "orders", true)]
    [InlineData("include", "%", "%", "any", "Odd \"Name\"", true)]
    [InlineData("include", "shop", "a_c", "shop", "abc", true)]
    [InlineData("include", "shop", "a[_]c", "shop", "abc", false)]
    [InlineData("include", "shop", "a[_]c", "shop", "a_c", true)]
    [InlineData("include", "shop", "item.", "shop", "items", false)]
    [InlineData("explicit", "shop", "a_c", "shop", "abc", false)]
    [InlineData("explicit", "shop", "a_c", "shop", "a_c", true)]
    public void Wildcards_match_as_DMS_has_them(string action, string schemaPattern, string tablePattern, string schema, string table, bool matches) =>
        Assert.Equal(matches, TableMappings.Parse(Rules(Selection("1", schemaPattern, tablePattern, action))).Includes(schema, table));

    [Fact]
    public void What_one_rule_excludes_is_not_moved_whatever_includes_it()
    {
        var mappings = TableMappings.Parse(Rules(Selection("1", "%", "%", "include"), Selection("2", "audit", "%", "exclude")));

        Assert.True(mappings.Includes("shop", "orders"));
        Assert.False(mappings.Includes("audit", "event"));
    }

    [Fact]
    public void The_highest_load_order_of_the_rules_that_match_counts()
    {
        var mappings = TableMappings.Parse(Rules(Selection("1", "%", "%", "include"), Selection("2", "shop", "big", "include", 7)));

        Assert.Equal(7, mappings.LoadOrder("shop", "big"));
        Assert.Equal(0, mappings.LoadOrder("shop", "small"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"rules":[{"rule-type":"selection","rule-id":"1","object-locator":{"schema-name":"%","table-name":"%"},"rule-action":"exclude"}]}""")]
    [InlineData("""{"rules":[{"rule-type":"transformation","rule-id":"1","object-locator":{"schema-name":"%","table-name":"%"},"rule-action":"rename"}]}""")]
    [InlineData("""{"rules":[{"rule-type":"selection","rule-id":"1","object-locator":{"schema-name":"%","table-name":"%"},"rule-action":"include","filters":[{}]}]}""")]
    public void Mappings_that_cannot_be_kept_to_are_refused(string text) =>
        Assert.Equal("InvalidParameterValueException", Assert.Throws<Fault>(() => TableMappings.Parse(text)).Name);

    [Theory]
    [InlineData("""{"FullLoadSettings":{"MaxFullLoadSubTasks":50}}""")]
    [InlineData("""{"FullLoadSettings":{"TargetTablePrepMode":"WIPE"}}""")]
    [InlineData("""{"FullLoadSettings":{"NoSuchSetting":1}}""")]
    [InlineData("""{"ErrorBehavior":{"ApplyErrorInsertPolicy":"SHRUG"}}""")]
    [InlineData("""{"TargetMetadata":{"SupportLobs":"yes"}}""")]
    public void Settings_that_DMS_does_not_know_are_refused(string text) =>
        Assert.Equal("InvalidParameterValueException", Assert.Throws<Fault>(() => TaskSettings.Parse(text)).Name);

    [Fact]
    public void What_a_task_does_not_say_is_as_DMS_has_it_by_default()
    {
        var settings = TaskSettings.Parse("""{"TargetMetadata":{"LobMaxSize":64}}""");

        Assert.Equal((64 * 1024, 8, ErrorPolicy.LogError, ErrorPolicy.IgnoreRecord), (settings.LobLimit, settings.LoadWorkers, settings.Policy("ApplyErrorUpdatePolicy"), settings.Policy("ApplyErrorDeletePolicy")));
    }

    private static string Rules(params string[] rules) => $$"""{"rules":[{{string.Join(',', rules)}}]}""";

    private static string Selection(string id, string schema, string table, string action, int? order = null) =>
        $$"""{"rule-type":"selection","rule-id":"{{id}}","rule-name":"{{id}}","object-locator":{"schema-name":"{{schema}}","table-name":"{{table}}"},"rule-action":"{{action}}"{{(order is null ? "" : $",\"load-order\":{order}")}}}""";
}
