using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgMigration;

/// <summary>Heroku's Platform API, version 3: the few calls that a cutover needs.</summary>
/// <remarks>
/// Source: Heroku Dev Center, "Platform API Reference". Every call may be repeated: what is busy (429), ailing (5xx) or cut off is asked
/// again within a budget. The token goes into one header and nowhere else; answers with values of config vars into no message.
/// </remarks>
internal sealed class HerokuApi
{
    private const int MostPages = 1_000; // of 1,000 items each
    private const int LargestAnswer = 16 * 1024 * 1024;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.Never };

    private static readonly HttpClient Client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(2) })
    {
        Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LargestAnswer,
    };

    private readonly Uri _address;
    private readonly string _token;

    public HerokuApi(Uri address, string token)
    {
        _address = address;
        _token = token;
    }

    /// <summary>How long one call is tried, with all its repetitions.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The pause before the first repetition; it doubles.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The shortest pause after a 429: a bucket that is empty is refilled by about one call a second.</summary>
    public TimeSpan RateLimitPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long one try may take.</summary>
    public TimeSpan TryTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How many calls are left, as Heroku last said; null when it did not.</summary>
    public int? Remaining { get; private set; }

    public Task<T> GetAsync<T>(string path, CancellationToken cancel) => CallAsync<T>(HttpMethod.Get, path, null, cancel);

    public Task<T> PatchAsync<T>(string path, object body, CancellationToken cancel) => CallAsync<T>(HttpMethod.Patch, path, body, cancel);

    public Task<T> PostAsync<T>(string path, object body, CancellationToken cancel) => CallAsync<T>(HttpMethod.Post, path, body, cancel);

    /// <summary>Deletes; what is gone already is fine.</summary>
    public async Task DeleteAsync(string path, CancellationToken cancel)
    {
        try
        {
            await CallAsync<JsonElement>(HttpMethod.Delete, path, null, cancel);
        }
        catch (MigrationException error) when (error.ErrorId == "HerokuNotFound")
        {
            // an earlier try did it
        }
    }

    /// <summary>The newest release of an app; null when it has none.</summary>
    public async Task<HerokuRelease?> LastReleaseAsync(string app, CancellationToken cancel)
    {
        string path = $"/apps/{app}/releases";
        return Read<List<HerokuRelease>>((await SendAsync(HttpMethod.Get, path, null, "version ..; order=desc, max=1", cancel)).Body, path).FirstOrDefault();
    }

    /// <summary>All items of a list, however many pages it has.</summary>
    public async Task<List<T>> ListAsync<T>(string path, CancellationToken cancel)
    {
        var all = new List<T>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (string? next = "id ..; max=1000"; next is not null;)
        {
            if (!seen.Add(next) || seen.Count > MostPages)
            {
                throw new MigrationException("HerokuAnswerUnknown", MigrationErrorKind.InvalidData,
                    $"Heroku's answer to {path} does not end: after {seen.Count} pages it names '{next}' as the next one. Expected a new range for each page, and none on the last. Is -ApiUrl right?");
            }

            var (body, headers, status) = await SendAsync(HttpMethod.Get, path, null, next, cancel);
            all.AddRange(Read<List<T>>(body, path));
            next = status == HttpStatusCode.PartialContent && headers.TryGetValues("Next-Range", out var values) ? values.First() : null;
        }

        return all;
    }

    private async Task<T> CallAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancel) =>
        Read<T>((await SendAsync(method, path, body, null, cancel)).Body, path);

    private static T Read<T>(byte[] body, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(body, Json) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            // without the inner exception, which may quote what it read
            throw new MigrationException("HerokuAnswerUnknown", MigrationErrorKind.InvalidData, $"Heroku's answer to {path} is not what the Platform API documents. Is -ApiUrl right?");
        }
    }

    private async Task<(byte[] Body, HttpResponseHeaders Headers, HttpStatusCode Status)> SendAsync(HttpMethod method, string path, object? body, string? range, CancellationToken cancel)
    {
        long began = Stopwatch.GetTimestamp();
        for (var pause = FirstPause; ; pause *= 2)
        {
            using var request = new HttpRequestMessage(method, new Uri(_address, path));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
            request.Headers.TryAddWithoutValidation("Accept", "application/vnd.heroku+json; version=3");
            request.Headers.TryAddWithoutValidation("User-Agent", "PgMigration");
            if (range is not null)
            {
                request.Headers.TryAddWithoutValidation("Range", range);
            }

            if (body is not null)
            {
                request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, Json));
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }

            MigrationException failure;
            TimeSpan? asked = null;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(TryTimeout);
            try
            {
                using var response = await Client.SendAsync(request, limit.Token);
                byte[] answer = await response.Content.ReadAsByteArrayAsync(limit.Token);
                Remaining = response.Headers.TryGetValues("RateLimit-Remaining", out var left) && int.TryParse(left.First(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : Remaining;
                if (response.IsSuccessStatusCode)
                {
                    return (answer, response.Headers, response.StatusCode);
                }

                failure = Failure(method, path, response.StatusCode, answer);
                asked = response.Headers.RetryAfter?.Delta;
                if (response.StatusCode != HttpStatusCode.TooManyRequests && (int)response.StatusCode < 500)
                {
                    throw failure;
                }
            }
            catch (Exception error) when (error is HttpRequestException or IOException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                string cause = error is OperationCanceledException ? "no answer" : (error.InnerException ?? error).Message;
                failure = new MigrationException("HerokuUnreachable", MigrationErrorKind.Connection, $"Heroku's Platform API at {_address.Host} cannot be reached: {cause}. Check the network and -ApiUrl.", error);
            }

            var wait = asked ?? (failure.ErrorId == "HerokuRateLimited" && pause < RateLimitPause ? RateLimitPause : pause);
            if (Stopwatch.GetElapsedTime(began) + wait > Budget)
            {
                throw failure;
            }

            await Task.Delay(wait * (0.9 + (Random.Shared.NextDouble() * 0.2)), cancel);
        }
    }

    private static MigrationException Failure(HttpMethod method, string path, HttpStatusCode status, byte[] body)
    {
        string said = Said(body);
        string call = string.Create(CultureInfo.InvariantCulture, $"{method} {path} → {(int)status}");
        return (int)status switch
        {
            401 => new("HerokuTokenRefused", MigrationErrorKind.PermissionDenied, $"Heroku refused the token ({call}{said}). Give a valid one with -Token or in HEROKU_API_KEY: heroku authorizations:create makes one."),
            403 => new("HerokuForbidden", MigrationErrorKind.PermissionDenied, $"Heroku does not let this token do that ({call}{said}). It needs the scope global, or write and write-protected, of somebody who may deploy and operate the app."),
            404 => new("HerokuNotFound", MigrationErrorKind.NotFound, $"Heroku knows nothing there, or hides it from this token ({call}{said}). Check the app's name."),
            429 => new("HerokuRateLimited", MigrationErrorKind.ResourceUnavailable, $"Heroku takes no more calls for this token at the moment ({call}{said}). It allows 4,500 an hour; stop what else uses the token, or take another one."),
            >= 500 => new("HerokuUnreachable", MigrationErrorKind.Connection, $"Heroku's Platform API ails ({call}). See https://status.heroku.com."),
            _ => new("HerokuRefused", MigrationErrorKind.InvalidOperation, $"Heroku refused ({call}{said})."),
        };
    }

    // Heroku's own words, such as "Cannot overwrite attachment values DATABASE_URL."
    private static string Said(byte[] body)
    {
        try
        {
            var error = JsonSerializer.Deserialize<ErrorBody>(body, Json);
            return error?.Id is null && error?.Message is null ? string.Empty : $", {error.Id}: {Redaction.Of(error.Message ?? string.Empty).TrimEnd('.')}";
        }
        catch (JsonException)
        {
            return string.Empty;
        }
    }

    private sealed record ErrorBody(string? Id, string? Message);
}
