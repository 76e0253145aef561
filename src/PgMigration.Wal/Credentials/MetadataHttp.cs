using System.Net;

namespace PgMigration.Wal;

/// <summary>Asks the services that give a container or an instance its credentials: they are near, answer at once, and no proxy leads there.</summary>
internal static class MetadataHttp
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(1), PooledConnectionLifetime = TimeSpan.FromMinutes(1) })
    {
        Timeout = TimeSpan.FromSeconds(3),
    };

    /// <summary>The status and the text of an answer; a service that does not answer is asked a second time.</summary>
    /// <exception cref="HttpRequestException">There is no answer.</exception>
    /// <exception cref="OperationCanceledException">The answer takes too long.</exception>
    public static async Task<(HttpStatusCode Status, string Text)> AskAsync(HttpMethod method, Uri address, params (string Name, string Value)[] headers)
    {
        for (bool again = false; ; again = true)
        {
            using var request = new HttpRequestMessage(method, address);
            foreach (var (name, value) in headers)
            {
                _ = request.Headers.TryAddWithoutValidation(name, value);
            }

            try
            {
                using var answer = await Client.SendAsync(request);
                if (again || (int)answer.StatusCode < 500)
                {
                    return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
                }
            }
            catch (Exception error) when (!again && error is (HttpRequestException or OperationCanceledException))
            {
                // once more
            }
        }
    }
}
