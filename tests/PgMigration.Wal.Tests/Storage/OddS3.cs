using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security;
using System.Text;

namespace PgMigration.Wal;

/// <summary>An S3 service in memory that lists, finds and gives objects, with habits of services that are not S3, and with storage classes.</summary>
internal sealed class OddS3 : IDisposable
{
    private readonly ConcurrentDictionary<string, Stored> _objects = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly TestHttp _http;

    public OddS3() => _http = new TestHttp(AnswerAsync);

    /// <summary>How many keys a page holds.</summary>
    public int PageSize { get; init; } = 2;

    /// <summary>Says that a page is truncated and gives no token.</summary>
    public bool GivesNoToken { get; init; }

    /// <summary>Gives the same token for each page.</summary>
    public bool RepeatsToken { get; init; }

    /// <summary>Gives truncated pages without a key, each with another token.</summary>
    public bool GivesEmptyPages { get; init; }

    /// <summary>Lists from the first key on, whatever start-after or marker say.</summary>
    public bool IgnoresStart { get; init; }

    /// <summary>Answers version 2 as if it were version 1, which has no token and no start-after.</summary>
    public bool KnowsOnlyVersion1 { get; init; }

    /// <summary>Lists keys with other prefixes too.</summary>
    public bool IgnoresPrefix { get; init; }

    /// <summary>Lists the keys from the last to the first.</summary>
    public bool ListsBackwards { get; init; }

    /// <summary>Names the last key of a truncated page of version 1, as S3 does only with a delimiter.</summary>
    public bool GivesMarker { get; init; }

    /// <summary>The requests so far: method and address.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <summary>Stores an object of the bucket <c>b</c>.</summary>
    public void Put(string key, byte[]? content = null, string? storageClass = null, string? restore = null, string? archiveStatus = null) =>
        _objects[key] = new Stored(content ?? [1], storageClass, restore, archiveStatus);

    /// <summary>An archive in the bucket <c>b</c>.</summary>
    public IArchiveStorage Open(string prefix = "p", bool usesListV1 = false) => ArchiveStorage.Open(Access(prefix, usesListV1));

    public ArchiveAccess Access(string prefix = "p", bool usesListV1 = false) => new ArchiveAccess
    {
        Location = ArchiveLocation.Parse($"s3://b/{prefix}"), Endpoint = _http.Address, Region = "us-east-1", UsesListV1 = usesListV1,
    }.WithKeys("k", "s");

    public void Dispose() => _http.Dispose();

    private async Task AnswerAsync(HttpListenerContext context)
    {
        _requests.Enqueue($"{context.Request.HttpMethod} {context.Request.RawUrl}");
        string[] address = context.Request.RawUrl!.Split('?', 2);
        string path = Uri.UnescapeDataString(address[0]);
        if (path.TrimEnd('/') == "/b")
        {
            await SayAsync(context, 200, List(context.Request.QueryString["prefix"] ?? string.Empty, name => context.Request.QueryString[name]));
            return;
        }

        if (!_objects.TryGetValue(path["/b/".Length..], out var stored))
        {
            await SayAsync(context, 404, "<Error><Code>NoSuchKey</Code></Error>");
            return;
        }

        await GiveAsync(context, stored);
    }

    private string List(string prefix, Func<string, string?> query)
    {
        bool isVersion2 = query("list-type") == "2" && !KnowsOnlyVersion1;
        string? after = IgnoresStart ? null : isVersion2 ? query("continuation-token")?[1..] ?? query("start-after") : query("marker");
        after = RepeatsToken && after == "same" ? null : after;
        var keys = _objects.Keys.Where(key => IgnoresPrefix || key.StartsWith(prefix, StringComparison.Ordinal))
            .Where(key => after is null || GivesEmptyPages || string.CompareOrdinal(key, after) > 0).Order(StringComparer.Ordinal).ToList();
        keys = ListsBackwards ? [.. Enumerable.Reverse(keys)] : keys;
        var page = GivesEmptyPages ? [] : keys[..Math.Min(PageSize, keys.Count)];
        bool isTruncated = GivesEmptyPages || page.Count < keys.Count || GivesNoToken || RepeatsToken;
        var text = new StringBuilder("<ListBucketResult>");
        text.Append(CultureInfo.InvariantCulture, $"<IsTruncated>{(isTruncated ? "true" : "false")}</IsTruncated>");
        if (isTruncated && isVersion2 && !GivesNoToken)
        {
            string token = GivesEmptyPages ? Guid.NewGuid().ToString("N") : RepeatsToken ? "same" : page[^1];
            text.Append(CultureInfo.InvariantCulture, $"<NextContinuationToken>-{SecurityElement.Escape(token)}</NextContinuationToken>");
        }

        if (isTruncated && !isVersion2 && GivesMarker)
        {
            text.Append(CultureInfo.InvariantCulture, $"<NextMarker>{SecurityElement.Escape(page[^1])}</NextMarker>");
        }

        foreach (string key in page)
        {
            text.Append(CultureInfo.InvariantCulture, $"<Contents><Key>{SecurityElement.Escape(key)}</Key><LastModified>2026-01-31T12:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>");
            text.Append(CultureInfo.InvariantCulture, $"<Size>{_objects[key].Content.Length}</Size><StorageClass>{_objects[key].StorageClass ?? "STANDARD"}</StorageClass></Contents>");
        }

        return text.Append("</ListBucketResult>").ToString();
    }

    private static async Task GiveAsync(HttpListenerContext context, Stored stored)
    {
        bool isHead = context.Request.HttpMethod == "HEAD";
        bool isArchived = stored.StorageClass is "GLACIER" or "DEEP_ARCHIVE" || stored.ArchiveStatus is not null;
        if (isArchived && !isHead && stored.Restore?.Contains("expiry-date", StringComparison.Ordinal) != true)
        {
            await SayAsync(context, 403, $"<Error><Code>InvalidObjectState</Code><Message>The operation is not valid for the object's storage class</Message><StorageClass>{stored.StorageClass}</StorageClass></Error>");
            return;
        }

        var response = context.Response;
        response.Headers["ETag"] = "\"e\"";
        response.Headers["Last-Modified"] = "Sat, 31 Jan 2026 12:00:00 GMT";
        AddHeader("x-amz-storage-class", stored.StorageClass);
        AddHeader("x-amz-restore", stored.Restore);
        AddHeader("x-amz-archive-status", stored.ArchiveStatus);
        byte[] content = stored.Content;
        if (!isHead && context.Request.Headers["Range"] is { } range)
        {
            string[] ends = range["bytes=".Length..].Split('-');
            int begin = int.Parse(ends[0], CultureInfo.InvariantCulture);
            int end = ends[1].Length == 0 ? content.Length : Math.Min(content.Length, int.Parse(ends[1], CultureInfo.InvariantCulture) + 1);
            response.StatusCode = 206;
            response.Headers["Content-Range"] = string.Create(CultureInfo.InvariantCulture, $"bytes {begin}-{end - 1}/{content.Length}");
            content = content[begin..end];
        }

        response.ContentLength64 = content.Length;
        if (!isHead)
        {
            await response.OutputStream.WriteAsync(content);
        }

        response.Close();

        void AddHeader(string name, string? value)
        {
            if (value is not null)
            {
                response.Headers[name] = value;
            }
        }
    }

    private static async Task SayAsync(HttpListenerContext context, int status, string xml)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/xml";
        if (context.Request.HttpMethod != "HEAD")
        {
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(xml));
        }

        context.Response.Close();
    }

    private sealed record Stored(byte[] Content, string? StorageClass, string? Restore, string? ArchiveStatus);
}
