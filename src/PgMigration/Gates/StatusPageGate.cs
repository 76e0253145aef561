using System.Globalization;
using System.Net;
using System.Text.Json;

namespace PgMigration;

/// <summary>Passes while a status page says that all is well: those who would see the app's errors must be up when it moves.</summary>
/// <remarks>Statuspage's public format, which many services use: <c>/api/v2/status.json</c>, and <c>/api/v2/components.json</c> for single components.</remarks>
public sealed class StatusPageGate : MigrationGate
{
    private readonly Uri _page;

    /// <summary>Describes the gate.</summary>
    /// <param name="page">The status page, such as <c>https://status.example.com</c>, or its JSON itself.</param>
    /// <param name="components">Names of components of which each must be operational; none for the page as a whole.</param>
    /// <exception cref="MigrationException"><c>GateAddressInvalid</c>.</exception>
    public StatusPageGate(Uri page, params string[] components)
    {
        Components = components.ToArray();
        GateHttp.CheckedAddress(page);
        string file = components.Length == 0 ? "status.json" : "components.json";
        _page = page.AbsolutePath.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? page
            : new Uri($"{page.GetLeftPart(UriPartial.Path).TrimEnd('/')}/api/v2/{file}");
    }

    /// <inheritdoc/>
    public override string Kind => "StatusPage";

    /// <summary>The page's JSON that is asked.</summary>
    public string Page => GateHttp.Show(_page);

    /// <summary>The components that count; empty for the page as a whole.</summary>
    public IReadOnlyList<string> Components { get; }

    /// <inheritdoc/>
    public override string Expected => Components.Count == 0 ? $"indicator 'none' at {Page}" : $"'operational' for {string.Join(", ", Components.Select(name => $"'{name}'"))} at {Page}";

    /// <inheritdoc/>
    protected override async Task<GateObservation> ObserveAsync(CancellationToken cancel)
    {
        var (status, said, body) = await GateHttp.GetAsync(_page, [], cancel);
        if (status != HttpStatusCode.OK)
        {
            return GateObservation.No(said);
        }

        using var json = GateHttp.Parse(body);
        return json is null ? GateObservation.No("an answer that is no JSON, or has a key twice") : Components.Count == 0 ? Whole(json.RootElement) : Each(json.RootElement);
    }

    private static GateObservation Whole(JsonElement page)
    {
        if (Text(page, "status", "indicator") is not { } indicator)
        {
            return GateObservation.No("JSON without status.indicator: no status page");
        }

        string description = Text(page, "status", "description") is { } words ? $" ({words})" : string.Empty;
        return new GateObservation(indicator == "none", $"indicator '{indicator}'{description}");
    }

    private GateObservation Each(JsonElement page)
    {
        if (page.ValueKind != JsonValueKind.Object || !page.TryGetProperty("components", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return GateObservation.No("JSON without components: no status page");
        }

        // a name may occur once in each group of the page: all of them count
        var states = list.EnumerateArray().Select(each => (Name: Text(each, "name"), Status: Text(each, "status"))).Where(each => each.Name is not null)
            .ToLookup(each => each.Name!, each => each.Status ?? "no status", StringComparer.OrdinalIgnoreCase);
        if (Components.FirstOrDefault(name => !states.Contains(name)) is { } missing)
        {
            return GateObservation.No($"no component '{missing}' among {string.Join(", ", states.Select(each => $"'{each.Key}'").Take(30))}");
        }

        var seen = Components.SelectMany(name => states[name].Select(status => (name, status))).ToList();
        var down = seen.FindAll(each => each.status != "operational");
        return down.Count == 0
            ? new GateObservation(true, string.Create(CultureInfo.InvariantCulture, $"{seen.Count} operational"))
            : GateObservation.No(string.Join(", ", down.Select(each => $"'{each.name}' {each.status}")));
    }

    private static string? Text(JsonElement element, params string[] path)
    {
        foreach (string name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
            {
                return null;
            }
        }

        return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
    }
}
