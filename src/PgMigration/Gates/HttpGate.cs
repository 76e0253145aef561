using System.Globalization;
using System.Text.Json;

namespace PgMigration;

/// <summary>Passes while an address answers with the right status and, where asked, a value within its bounds: a health check, an error rate.</summary>
public sealed class HttpGate : MigrationGate
{
    private readonly Uri _address;
    private readonly KeyValuePair<string, string>[] _headers;
    private readonly JsonPath? _path;

    /// <summary>Describes the gate.</summary>
    /// <param name="address">What to get.</param>
    /// <param name="headers">What to send with it, secrets included; never shown, and sent to no other place by a redirect.</param>
    /// <param name="path">Where in the JSON answer the value is; null for the status alone.</param>
    /// <param name="expectation">What the value must be.</param>
    /// <exception cref="MigrationException"><c>GateAddressInvalid</c>; <c>GateExpectationMissing</c>: a path without an expectation, or the reverse.</exception>
    public HttpGate(Uri address, IEnumerable<KeyValuePair<string, string>>? headers = null, JsonPath? path = null, GateExpectation? expectation = null)
    {
        _address = GateHttp.CheckedAddress(address);
        _headers = headers?.ToArray() ?? [];
        _path = path;
        Expectation = expectation ?? GateExpectation.True;
        if (path is null != Expectation.IsTruth)
        {
            throw new MigrationException("GateExpectationMissing", MigrationErrorKind.InvalidArgument,
                "A value at -JsonPath needs what it is expected to be, and the reverse: give both -JsonPath and one of -Expected, -Below or -Above.");
        }
    }

    /// <inheritdoc/>
    public override string Kind => "Http";

    /// <summary>The address, without its query.</summary>
    public string Address => GateHttp.Show(_address);

    /// <summary>The status that counts as well; null for any from 200 to 299.</summary>
    public int? StatusCode { get; init; }

    /// <summary>What the value must be.</summary>
    public GateExpectation Expectation { get; }

    /// <inheritdoc/>
    public override string Expected
    {
        get
        {
            string status = StatusCode is { } code ? string.Create(CultureInfo.InvariantCulture, $"HTTP status {code}") : "HTTP status 200 to 299";
            return _path is null ? $"{status} from {Address}" : $"{status} and {_path} {Expectation} from {Address}";
        }
    }

    /// <inheritdoc/>
    protected override async Task<GateObservation> ObserveAsync(CancellationToken cancel)
    {
        var (status, said, body) = await GateHttp.GetAsync(_address, _headers, cancel);
        if (StatusCode is { } code ? (int)status != code : (int)status is < 200 or > 299)
        {
            return GateObservation.No(said);
        }

        if (_path is null)
        {
            return new GateObservation(true, said);
        }

        using var json = GateHttp.Parse(body);
        if (json is null)
        {
            return GateObservation.No("an answer that is no JSON, or has a key twice");
        }

        if (_path.Find(json.RootElement) is not { } found)
        {
            return GateObservation.No($"nothing at {_path}");
        }

        var (passed, seen) = Expectation.Compare(ValueOf(found));
        return new GateObservation(passed, $"{_path} = {seen}");
    }

    private static object? ValueOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => element.GetString(),
        _ => element.GetRawText(), // a number as it was written, so that 1.0 and 1 are told apart only where text is compared
    };
}
