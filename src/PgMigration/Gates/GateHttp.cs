using System.Net;
using System.Text.Json;

namespace PgMigration;

/// <summary>How gates ask over HTTP.</summary>
internal static class GateHttp
{
    private const int LargestAnswer = 4 * 1024 * 1024;

    private static readonly HttpClient Client = NewClient();

    private static readonly JsonDocumentOptions OnceOnly = new() { AllowDuplicateProperties = false };

    /// <summary>Gets a page. Failures of the network are exceptions whose text names host and cause, and nothing behind the host.</summary>
    /// <remarks>No redirect is followed: it may lead to a login page, which answers 200 to everybody; and headers, which may be secrets, must not go there.</remarks>
    /// <param name="address">Where.</param>
    /// <param name="headers">What to send.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>The status, in words too (where a redirect points, without its query), and the body.</returns>
    public static async Task<(HttpStatusCode Status, string Said, string Body)> GetAsync(Uri address, IReadOnlyCollection<KeyValuePair<string, string>> headers, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.TryAddWithoutValidation("Accept", "application/json, */*;q=0.5");
        request.Headers.TryAddWithoutValidation("Cache-Control", "no-cache"); // yesterday's answer is none
        foreach (var (name, value) in headers)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using var response = await Client.SendAsync(request, cancel);
            return (response.StatusCode, Describe(address, response), await response.Content.ReadAsStringAsync(cancel));
        }
        catch (HttpRequestException error)
        {
            string cause = error.InnerException?.Message ?? error.Message;
            throw new MigrationException("GateUnreachable", MigrationErrorKind.Connection, $"{address.Host} out of reach: {cause}", error);
        }
    }

    /// <summary>Reads JSON; null when it is none, or says the same key twice: then nobody knows which one is meant.</summary>
    public static JsonDocument? Parse(string body)
    {
        try
        {
            return JsonDocument.Parse(body, OnceOnly);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Takes an address from the user.</summary>
    /// <exception cref="MigrationException"><c>GateAddressInvalid</c>, without the address, which may hold a secret.</exception>
    public static Uri CheckedAddress(Uri address) =>
        address is { IsAbsoluteUri: true, Scheme: "http" or "https", UserInfo: "" } ? address
        : throw new MigrationException("GateAddressInvalid", MigrationErrorKind.InvalidArgument,
            "The gate's address is not of the form https://host/path, or holds a user or password. Give those as a header, such as -Header @{ Authorization = … }.");

    /// <summary>The address without its query, which may hold a key.</summary>
    public static string Show(Uri address) => address.GetLeftPart(UriPartial.Path);

    private static string Describe(Uri address, HttpResponseMessage response)
    {
        string status = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"HTTP status {(int)response.StatusCode}");
        return (int)response.StatusCode is >= 300 and < 400 && response.Headers.Location is { } place && new Uri(address, place) is { } there
            ? $"{status}, a redirect to {there.Scheme}://{there.Authority}{there.AbsolutePath}, which is not followed: give the address that answers itself" : status;
    }

    // Names are looked up anew each minute: a gate may be asked for days.
    private static HttpClient NewClient()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1), AutomaticDecompression = DecompressionMethods.All,
        };
        var client = new HttpClient(handler) { Timeout = System.Threading.Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LargestAnswer };
        client.DefaultRequestHeaders.UserAgent.ParseAdd("PgMigration");
        return client;
    }
}
