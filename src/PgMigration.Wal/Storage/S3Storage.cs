using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;

namespace PgMigration.Wal;

/// <summary>An archive in an S3 bucket, or in a service that speaks S3.</summary>
/// <remarks>The SDK's own retries are off: it neither retries a body that breaks nor ends a stall, so one loop of ours does all of it.</remarks>
public sealed class S3Storage : IArchiveStorage
{
    // 10,000 parts at most (S3's limit): 312 GB an object. Our parts of base backups are 1 GB.
    private const int PartSize = 32 << 20;

    // No upload is so slow; below this rate an attempt counts as stalled.
    private const int SlowestBytesPerSecond = 64 * 1024;

    private readonly S3Connection _connection;
    private readonly RetryNews _news;
    private readonly ArchiveLocation _location;
    private readonly TransferLimits _limits;
    private readonly string _keyPrefix;
    private readonly bool _usesListV1;
    private readonly bool _isAws;
    private volatile bool _answered;
    private volatile bool _accepted;

    /// <summary>Opens the archive; nothing is sent yet.</summary>
    /// <param name="access">Where it lies and how it is reached.</param>
    /// <param name="limits">How long transfers may stall and are tried again.</param>
    /// <param name="observer">Is warned when something is tried again for longer than a moment; null for nobody.</param>
    public S3Storage(ArchiveAccess access, TransferLimits limits, IMigrationObserver? observer = null)
    {
        ArgumentNullException.ThrowIfNull(access);
        _location = access.Location;
        _limits = limits;
        _keyPrefix = _location.Prefix.Length == 0 ? string.Empty : _location.Prefix + "/";
        _usesListV1 = access.UsesListV1;
        _isAws = access.Endpoint is null || access.Endpoint.Host.EndsWith(".amazonaws.com", StringComparison.OrdinalIgnoreCase);
        _connection = new S3Connection(access);
        _news = new RetryNews(observer ?? IMigrationObserver.None, limits);
    }

    /// <inheritdoc/>
    public string Url => _location.Url;

    /// <inheritdoc/>
    public IEncryption Encryption { get; init; } = NoEncryption.Instance;

    /// <inheritdoc/>
    public async IAsyncEnumerable<ArchiveObject> ListAsync(string prefix, string? startAfter = null, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        string key = _keyPrefix + prefix;
        var listing = new S3Listing((request, token) => CallAsync(prefix, request, token), _location.Bucket!, key, startAfter is null ? null : _keyPrefix + startAfter, _usesListV1, _isAws);
        await foreach (var found in listing.RunAsync(cancel))
        {
            string name = found.Key[_keyPrefix.Length..];
            if (name.Length > 0 && !name.EndsWith('/')) // consoles make such empty objects for folders
            {
                yield return new ArchiveObject(name, found.Size ?? 0, Utc(found.LastModified)) { StorageClass = Class(found.StorageClass?.Value), State = ArchivedObjects.Of(found) };
            }
        }
    }

    /// <inheritdoc/>
    public async Task<ArchiveObject?> FindAsync(string name, CancellationToken cancel = default)
    {
        try
        {
            var found = await CallAsync(name, (client, token) => client.GetObjectMetadataAsync(_location.Bucket, _keyPrefix + name, token), cancel);
            return new ArchiveObject(name, found.ContentLength, Utc(found.LastModified)) { StorageClass = Class(ArchivedObjects.ClassOf(found)), State = ArchivedObjects.Of(found) };
        }
        catch (MigrationException error) when (error.ErrorId is "ArchiveObjectNotFound" or "ArchiveAccessDenied" or "ArchiveRequestFailed")
        {
            // HEAD has no body that would say whether the bucket itself is missing, or the keys have expired
            var bucket = new ListObjectsRequest { BucketName = _location.Bucket, Prefix = _keyPrefix + name, MaxKeys = 1 }; // every service knows version 1
            _ = await CallAsync(name, (client, token) => client.ListObjectsAsync(bucket, token), cancel);
            if (error.ErrorId == "ArchiveObjectNotFound")
            {
                return null;
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(string name, long offset = 0, CancellationToken cancel = default)
    {
        var stream = new S3ReadStream(this, name, offset);
        try
        {
            await stream.OpenAsync(cancel);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<Stream> OpenWholeAsync(ArchiveObject stored, ReadAhead ahead, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(stored);
        return stored.Length <= ReadAhead.RangeSize ? OpenReadAsync(stored.Name, 0, cancel) : Task.FromResult<Stream>(new S3RangesStream(this, stored, ahead));
    }

    /// <inheritdoc/>
    public async Task WriteAsync(string name, Stream content, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        byte[] buffer = new byte[64 * 1024];
        int filled = await FillAsync(content, buffer, cancel);
        if (filled == buffer.Length)
        {
            Array.Resize(ref buffer, PartSize);
            filled += await FillAsync(content, buffer.AsMemory(filled), cancel);
        }

        long written = filled < PartSize ? await PutAsync(name, buffer, filled, cancel) : await PutPartsAsync(name, content, buffer, cancel);

        // Some services store other bytes than were meant when they do not know the SDK's upload format: compare.
        long stored = (await FindAsync(name, cancel))?.Length ?? -1;
        if (stored != written)
        {
            await DeleteAsync(name, cancel);
            throw new MigrationException("ArchiveWriteFailed", MigrationErrorKind.InvalidData,
                $"{Url}/{name} was stored with {stored.ToString(CultureInfo.InvariantCulture)} bytes instead of {written.ToString(CultureInfo.InvariantCulture)}, and has been removed. The service behind the endpoint does not store what it is sent.");
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string name, CancellationToken cancel = default) =>
        CallAsync(name, (client, token) => client.DeleteObjectAsync(_location.Bucket, _keyPrefix + name, token), cancel);

    /// <summary>Gives back the connections.</summary>
    public void Dispose() => _connection.Dispose();

    /// <summary>Asks for an object from an offset on, up to another or its end; with a tag, only for that version of it.</summary>
    internal async Task<GetObjectResponse> GetAsync(IAmazonS3 client, string name, long offset, long? end, string? etag, CancellationToken cancel)
    {
        var request = new GetObjectRequest
        {
            BucketName = _location.Bucket, Key = _keyPrefix + name, EtagToMatch = etag,

            // Also from the beginning: for a whole object the SDK computes its MD5 on the way, on one core at 250 MB/s (measured), and our codecs have checksums.
            ByteRange = new ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes={offset}-{end - 1}")),
        };
        var response = await client.GetObjectAsync(request, cancel);
        _answered = _accepted = true;
        return response;
    }

    internal TransferLimits Limits => _limits;

    internal RetryBudget NewBudget() => new(_limits, _answered ? _limits.RetryBudget : _limits.FirstContactBudget);

    /// <summary>The client to use now: that of an attempt is named when it fails.</summary>
    internal IAmazonS3 Client => _connection.Client;

    /// <summary>Whether a failed attempt is made again, after a pause; false when that makes no sense, or the budget is spent.</summary>
    internal async Task<bool> IsWorthAnotherAsync(Exception error, IAmazonS3 client, string name, RetryBudget budget, CancellationToken cancel)
    {
        // Keys that were good before and are refused now may be replaced at any moment where they come from.
        bool mayPass = S3Errors.IsTransient(error) || (S3Errors.IsRefusal(error) && (_connection.Renew(client) || (_accepted && S3Errors.IsExpiry(error))));
        if (mayPass)
        {
            _news.Failed(() => Explain(error, name));
        }

        return mayPass && await budget.PauseAsync(cancel);
    }

    internal MigrationException Explain(Exception error, string name) => S3Errors.Explain(error, _location, name);

    private static string? Class(string? storageClass) => storageClass is null or "" or "STANDARD" ? null : storageClass;

    private static DateTimeOffset Utc(DateTime? time) => time is { } known ? new DateTimeOffset(known.ToUniversalTime()) : DateTimeOffset.MinValue;

    private static async Task<int> FillAsync(Stream content, Memory<byte> buffer, CancellationToken cancel) =>
        await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);

    private async Task<long> PutAsync(string name, byte[] content, int length, CancellationToken cancel)
    {
        await CallAsync(name, async (client, token) =>
        {
            using var body = new MemoryStream(content, 0, length, writable: false);
            return await client.PutObjectAsync(new PutObjectRequest
            {
                BucketName = _location.Bucket, Key = _keyPrefix + name, InputStream = body, AutoCloseStream = false, UseChunkEncoding = false,
            }, token);
        }, cancel, length);
        return length;
    }

    private async Task<long> PutPartsAsync(string name, Stream content, byte[] buffer, CancellationToken cancel)
    {
        string key = _keyPrefix + name;
        var upload = await CallAsync(name, (client, token) => client.InitiateMultipartUploadAsync(_location.Bucket, key, token), cancel);
        try
        {
            var parts = new List<PartETag>();
            long written = 0;
            int filled = buffer.Length;
            while (filled > 0)
            {
                int length = filled;
                int number = parts.Count + 1;
                var part = await CallAsync(name, async (client, token) =>
                {
                    using var body = new MemoryStream(buffer, 0, length, writable: false);
                    return await client.UploadPartAsync(new UploadPartRequest
                    {
                        BucketName = _location.Bucket, Key = key, UploadId = upload.UploadId, PartNumber = number, PartSize = length,
                        InputStream = body, UseChunkEncoding = false,
                    }, token);
                }, cancel, length);
                parts.Add(new PartETag(number, part.ETag));
                written += length;
                filled = filled < buffer.Length ? 0 : await FillAsync(content, buffer, cancel);
            }

            await CallAsync(name, (client, token) => client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest { BucketName = _location.Bucket, Key = key, UploadId = upload.UploadId, PartETags = parts }, token), cancel);
            return written;
        }
        catch
        {
            await AbortAsync(key, upload.UploadId);
            throw;
        }
    }

    // Parts that nobody completes are stored and paid for, but never listed. So also after Ctrl-C, and without hiding the first error.
    private async Task AbortAsync(string key, string uploadId)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await _connection.Client.AbortMultipartUploadAsync(_location.Bucket, key, uploadId, limit.Token);
        }
        catch (Exception error) when (error is AmazonS3Exception or OperationCanceledException || S3Errors.IsTransient(error))
        {
            // the bucket's rule for incomplete uploads removes it
        }
    }

    /// <summary>Makes one request, again while that makes sense, each attempt within the idle limit.</summary>
    private async Task<T> CallAsync<T>(string name, Func<IAmazonS3, CancellationToken, Task<T>> call, CancellationToken cancel, long bytesToSend = 0)
    {
        var budget = NewBudget();
        var limit = _limits.IdleLimit + TimeSpan.FromSeconds(bytesToSend / (double)SlowestBytesPerSecond);
        while (true)
        {
            using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            attempt.CancelAfter(limit);
            var client = _connection.Client;
            try
            {
                var answer = await call(client, attempt.Token);
                _answered = _accepted = true;
                return answer;
            }
            catch (Exception error)
            {
                cancel.ThrowIfCancellationRequested();
                _answered |= error is AmazonS3Exception { StatusCode: not 0 and < HttpStatusCode.InternalServerError };
                if (!await IsWorthAnotherAsync(error, client, name, budget, cancel))
                {
                    throw Explain(error, name);
                }
            }
        }
    }
}
