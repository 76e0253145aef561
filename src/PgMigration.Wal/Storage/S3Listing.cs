using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;

namespace PgMigration.Wal;

/// <summary>Lists the keys of a bucket page by page, and fails rather than loop or accept keys that were not asked for.</summary>
/// <remarks>
/// Services differ from S3: some ignore <c>start-after</c>, or version 2 of the list request altogether; some say that a page is truncated
/// and give no token for the next one. Each would make a loop without end, or a restore of half an archive. So every page must make
/// progress: keys increase from page to page (S3 sorts them by their UTF-8 bytes), begin with the prefix, and follow the start.
/// Source: ListObjectsV2 and ListObjects in the S3 API reference.
/// </remarks>
/// <param name="send">Makes one request, with the archive's retries.</param>
/// <param name="bucket">The bucket.</param>
/// <param name="prefix">What each key begins with.</param>
/// <param name="startAfter">Only keys greater than this one; null for all.</param>
/// <param name="usesVersion1">Whether to send version 1 of the request (<c>WALG_S3_USE_LIST_OBJECTS_V1</c>).</param>
/// <param name="asksForRestoreStatus">Whether to ask for what is restored from an archive class, which only AWS itself knows.</param>
internal sealed class S3Listing(S3Listing.Send send, string bucket, string prefix, string? startAfter, bool usesVersion1, bool asksForRestoreStatus)
{
    // A page without a key is allowed: a service may filter after it has counted. So many in a row are a fault.
    private const int MostEmptyPages = 100;
    private const string Version1Hint = " If the service does not know version 2 of S3's list request, set WALG_S3_USE_LIST_OBJECTS_V1=true.";

    private string? _last;

    /// <summary>Makes one request and returns its answer.</summary>
    public delegate Task<Page> Send(Func<IAmazonS3, CancellationToken, Task<Page>> request, CancellationToken cancel);

    /// <summary>The objects, in the order of their keys.</summary>
    /// <exception cref="MigrationException"><c>ArchiveListingInvalid</c>.</exception>
    public async IAsyncEnumerable<S3Object> RunAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        string? token = null;
        int empty = 0;
        while (true)
        {
            var page = await send((client, stop) => RequestAsync(client, token, stop), cancel);
            foreach (var found in page.Objects)
            {
                Check(found.Key);
                yield return found;
            }

            if (!page.IsTruncated)
            {
                yield break;
            }

            empty = page.Objects.Count == 0 ? empty + 1 : 0;
            token = Next(page, token, empty);
        }
    }

    /// <summary>Compares two keys by their UTF-8 bytes, as S3 sorts them.</summary>
    public static int Compare(string left, string right)
    {
        for (int i = 0; i < Math.Min(left.Length, right.Length); i++)
        {
            if (left[i] != right[i])
            {
                // UTF-16 would sort what lies beyond U+FFFF before U+E000
                bool isHigh = char.IsSurrogate(left[i]);
                return isHigh == char.IsSurrogate(right[i]) ? left[i] - right[i] : isHigh ? 1 : -1;
            }
        }

        return left.Length - right.Length;
    }

    private async Task<Page> RequestAsync(IAmazonS3 client, string? token, CancellationToken cancel)
    {
        List<string>? attributes = asksForRestoreStatus ? ["RestoreStatus"] : null;
        if (usesVersion1)
        {
            var old = await client.ListObjectsAsync(new ListObjectsRequest { BucketName = bucket, Prefix = prefix, Marker = token ?? startAfter, OptionalObjectAttributes = attributes }, cancel);
            return new Page(old.S3Objects ?? [], old.IsTruncated == true, old.NextMarker);
        }

        var answer = await client.ListObjectsV2Async(
            new ListObjectsV2Request { BucketName = bucket, Prefix = prefix, StartAfter = startAfter, ContinuationToken = token, OptionalObjectAttributes = attributes }, cancel);
        return new Page(answer.S3Objects ?? [], answer.IsTruncated == true, answer.NextContinuationToken); // null when nothing is there
    }

    private void Check(string? key)
    {
        if (key is null || !key.StartsWith(prefix, StringComparison.Ordinal))
        {
            throw Invalid($"listed '{key}', which does not begin with the prefix that was asked for");
        }

        if (_last is null && startAfter is not null && Compare(key, startAfter) <= 0)
        {
            throw Invalid($"listed '{key}', although only keys after '{startAfter}' were asked for", usesVersion1 ? string.Empty : Version1Hint);
        }

        if (_last is not null && Compare(key, _last) <= 0)
        {
            throw Invalid($"listed '{key}' after '{_last}', although keys are listed once and in increasing order");
        }

        _last = key;
    }

    private string Next(Page page, string? token, int empty)
    {
        // version 1 gives a marker only with a delimiter: without one, the last key is where the next page begins
        string? next = string.IsNullOrEmpty(page.Next) ? usesVersion1 && page.Objects.Count > 0 ? _last : null : page.Next;
        if (next is null)
        {
            throw Invalid(usesVersion1 ? "gave a truncated page without a key and without a marker for the next one" : "gave a truncated page without a token for the next one",
                usesVersion1 ? string.Empty : Version1Hint);
        }

        if (next == token)
        {
            throw Invalid($"gave the same {(usesVersion1 ? "marker" : "token")} for the next page twice");
        }

        return empty < MostEmptyPages ? next : throw Invalid($"gave {empty} truncated pages without a key in a row");
    }

    private MigrationException Invalid(string what, string hint = "") => new("ArchiveListingInvalid", MigrationErrorKind.InvalidData,
        $"The list of s3://{bucket}/{prefix} cannot be used: the service {what}. Expected an answer as S3 gives it.{hint} Check the endpoint, and anything between here and the service (a proxy, a cache).");

    /// <summary>One answer.</summary>
    /// <param name="Objects">What it lists.</param>
    /// <param name="IsTruncated">Whether there are more.</param>
    /// <param name="Next">The token, or the marker, of the next page.</param>
    public sealed record Page(IReadOnlyList<S3Object> Objects, bool IsTruncated, string? Next);
}
