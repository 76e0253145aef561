using System.Net;

namespace PgMigration.Tests;

/// <summary>A DMS that answers what a test says, request by request, and keeps what it was asked. The last answer is repeated.</summary>
internal sealed class CannedDms : IDisposable
{
    private readonly TestHttp _http;
    private readonly Queue<(int Status, string Body)> _answers;

    public CannedDms(params (int Status, string Body)[] answers)
    {
        _answers = new(answers);
        _http = new TestHttp(AnswerAsync);
        Client = new DmsClient(new DmsAccess { Region = "eu-central-1", Endpoint = _http.Address }.WithKeys("AKIDEXAMPLE", "not-a-real-secret", "a-token"));
    }

    public DmsClient Client { get; }

    public List<(WebHeaderCollection Headers, string Body)> Seen { get; } = [];

    public void Dispose()
    {
        Client.Dispose();
        _http.Dispose();
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var reader = new StreamReader(context.Request.InputStream);
        Seen.Add(((WebHeaderCollection)context.Request.Headers, await reader.ReadToEndAsync()));
        var (status, body) = _answers.Count > 1 ? _answers.Dequeue() : _answers.Peek();
        await TestHttp.AnswerAsync(context, status, body);
    }
}
