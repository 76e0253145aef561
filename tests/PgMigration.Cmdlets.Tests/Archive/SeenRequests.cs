using System.Net;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Answers every request as an S3 bucket that holds nothing, and keeps how each was signed.</summary>
internal sealed class SeenRequests : IDisposable
{
    private const string NothingThere = """<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated></ListBucketResult>""";
    private readonly HttpListener _listener = new();
    private readonly Task _serving;

    public SeenRequests()
    {
        using (var free = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/";
        }

        _listener.Prefixes.Add(Url);
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url { get; }

    /// <summary>Path and Authorization header of each request.</summary>
    public List<(string Path, string Authorization)> All { get; } = [];

    public void Dispose()
    {
        _listener.Close();
        _serving.Wait();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                All.Add((context.Request.Url!.AbsolutePath, context.Request.Headers["Authorization"] ?? string.Empty));
                context.Response.ContentType = "application/xml";
                context.Response.Close(System.Text.Encoding.UTF8.GetBytes(NothingThere), willBlock: true);
            }
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
        {
            // the test is over
        }
    }
}
