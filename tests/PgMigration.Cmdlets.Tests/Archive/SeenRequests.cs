using System.Net;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Answers every request as an S3 bucket that holds these backups' sentinels, or nothing, and keeps how each was signed.</summary>
internal sealed class SeenRequests : IDisposable
{
    private readonly string[] _sentinels;
    private readonly HttpListener _listener = new();
    private readonly Task _serving;

    /// <param name="backups">Names of backups under the prefix <c>prod</c>.</param>
    public SeenRequests(params string[] backups)
    {
        _sentinels = Array.ConvertAll(backups, backup => $"prod/basebackups_005/{backup}_backup_stop_sentinel.json");
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
                bool isObject = context.Request.Url.AbsolutePath.EndsWith(".json", StringComparison.Ordinal);
                context.Response.ContentType = isObject ? "application/json" : "application/xml";
                context.Response.Close(System.Text.Encoding.UTF8.GetBytes(isObject ? Sentinel : Listing(context.Request.QueryString["prefix"])), willBlock: true);
            }
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
        {
            // the test is over
        }
    }

    private const string Sentinel = """{"LSN":16777256,"FinishLSN":16777512,"PgVersion":150018,"SystemIdentifier":7300000000000000001,"Version":2,"StartTime":"2026-08-01T10:00:00Z"}""";

    private string Listing(string? prefix) => """<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>"""
        + string.Concat(_sentinels.Where(key => key.StartsWith(prefix ?? string.Empty, StringComparison.Ordinal))
            .Select(key => $"<Contents><Key>{key}</Key><LastModified>2026-08-01T10:00:00.000Z</LastModified><ETag>\"1\"</ETag><Size>160</Size><StorageClass>STANDARD</StorageClass></Contents>"))
        + "</ListBucketResult>";
}
