using System.Globalization;
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace PgMigration.Wal;

/// <summary>Reads one version of an object to its last byte across broken, stalled and refused connections, or throws.</summary>
/// <remarks>
/// Neither the SDK nor every service can be trusted with it: the SDK does not retry a body, its time limit does not end a stall, and there
/// are services that answer a wrong If-Match with 206. So tag, range and total length are compared here.
/// </remarks>
/// <param name="storage">Where it lies.</param>
/// <param name="name">The object.</param>
/// <param name="offset">From which byte on.</param>
/// <param name="count">How many bytes; null for all that follow.</param>
internal sealed class S3ReadStream(S3Storage storage, string name, long offset, long? count = null) : ReadStream
{
    private readonly RetryBudget _budget = storage.NewBudget();
    private CancellationTokenSource? _limit;
    private GetObjectResponse? _response;
    private IAmazonS3 _client = storage.Client;
    private string? _etag;
    private long _total = -1;
    private readonly long? _end = offset + count;
    private long _position = offset;

    /// <summary>The version of the object that is being read; known once it is open.</summary>
    public string? Tag => _etag;

    /// <summary>Bytes of the whole object; known once it is open.</summary>
    public long Total => _total;

    public override long Position { get => _position; set => throw new NotSupportedException(); }

    /// <summary>Makes the first request, so that a missing object is told at once.</summary>
    public async Task OpenAsync(CancellationToken cancel)
    {
        while (!await AttemptAsync(async token => await RequestAsync(token), cancel))
        {
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        int read = 0;
        while (_position < End && read == 0)
        {
            await AttemptAsync(async token =>
            {
                if (_response is null)
                {
                    await RequestAsync(token);
                }

                int wanted = (int)Math.Min(buffer.Length, End - _position);
                read = await _response!.ResponseStream.ReadAsync(buffer[..wanted], token);
                if (read == 0)
                {
                    throw new IOException($"The body ended at byte {_position.ToString(CultureInfo.InvariantCulture)} of {_total.ToString(CultureInfo.InvariantCulture)}.");
                }

                _position += read;
                _budget.Progress();
            }, cancellationToken);
        }

        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Abandon();
            _limit?.Dispose();
            _limit = null;
        }

        base.Dispose(disposing);
    }

    /// <summary>Does one thing within the idle limit. False: it failed, the connection was given up, and after a pause it is worth another attempt.</summary>
    private async Task<bool> AttemptAsync(Func<CancellationToken, Task> attempt, CancellationToken cancel)
    {
        if (_limit is null || !_limit.TryReset())
        {
            _limit?.Dispose();
            _limit = new CancellationTokenSource();
        }

        _limit.CancelAfter(storage.Limits.IdleLimit);
        _client = _response is null ? storage.Client : _client;
        using var linked = cancel.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancel, _limit.Token) : null;
        try
        {
            await attempt(linked?.Token ?? _limit.Token);
            return true;
        }
        catch (Exception error)
        {
            Abandon();
            cancel.ThrowIfCancellationRequested();
            return await storage.IsWorthAnotherAsync(error, _client, name, _budget, cancel) ? false : throw storage.Explain(error, name);
        }
    }

    private long End => _end is { } end ? Math.Min(_total, end) : _total;

    private async Task RequestAsync(CancellationToken cancel)
    {
        GetObjectResponse response;
        try
        {
            response = await storage.GetAsync(_client, name, _position, _end, _etag, cancel);
        }
        catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            throw Changed(error);
        }
        catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && _etag is null)
        {
            // an offset at the very end is a range that S3 does not know; so is the beginning of an empty object
            var found = await storage.FindAsync(name, cancel) ?? throw ArchiveStorage.NotFound(storage.Url, name, error);
            _total = _position == found.Length ? found.Length : throw storage.Explain(error, name);
            return;
        }

        _response = response;
        (long begin, long total) = _position == 0 && response.HttpStatusCode == HttpStatusCode.OK ? (0, response.ContentLength) : Range(response.ContentRange);
        if (begin != _position)
        {
            throw new MigrationException("ArchiveRangeIgnored", MigrationErrorKind.InvalidData,
                $"{storage.Url}/{name} was asked for from byte {_position.ToString(CultureInfo.InvariantCulture)} on, and the service answered with '{response.ContentRange}'. It cannot be resumed.");
        }

        if (_total >= 0 && (total != _total || response.ETag != _etag))
        {
            throw Changed(null);
        }

        _total = total;
        _etag = response.ETag;
    }

    // "bytes 100-999/1000"
    private static (long Begin, long Total) Range(string? header)
    {
        var text = (header ?? string.Empty).AsSpan();
        int dash = text.IndexOf('-');
        int slash = text.IndexOf('/');
        return text.StartsWith("bytes ") && dash > 6 && slash > dash
            && long.TryParse(text[6..dash], NumberStyles.None, CultureInfo.InvariantCulture, out long begin)
            && long.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out long total)
            ? (begin, total)
            : (-1, -1);
    }

    private MigrationException Changed(Exception? cause) => new("ArchiveObjectChanged", MigrationErrorKind.InvalidData,
        $"{storage.Url}/{name} was replaced while it was being read. Start again, and find out what writes to this archive.", cause);

    private void Abandon()
    {
        _response?.Dispose();
        _response = null;
    }
}
