namespace PgMigration.Wal;

/// <summary>Reads a large object of a bucket in several ranges at once: one connection alone does not use the bandwidth that there is.</summary>
/// <remarks>
/// Each range heals its own connection. All must come from one version of the object. The first range waits for memory, the others
/// take what is free at the moment: so no two objects can wait for each other.
/// </remarks>
internal sealed class S3RangesStream(S3Storage storage, ArchiveObject stored, ReadAhead ahead) : ReadStream
{
    // One object alone: S3 gives some 50 to 90 MB/s for each connection.
    private const int MostAtOnce = 8;

    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<(byte[] Buffer, int Length, Task<string?> Reading)> _ranges = new();
    private long _requested;
    private (byte[] Buffer, int Length)? _current;
    private int _at;
    private string? _tag;
    private bool _isKnown;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_current is { } done && _at == done.Length)
        {
            ahead.GiveBack(done.Buffer);
            _current = null;
        }

        if (_current is null && !await NextAsync(cancellationToken))
        {
            return 0;
        }

        int count = Math.Min(buffer.Length, _current!.Value.Length - _at);
        _current.Value.Buffer.AsMemory(_at, count).CopyTo(buffer);
        _at += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_stop.IsCancellationRequested)
        {
            _stop.Cancel();
            if (_current is { } current)
            {
                ahead.GiveBack(current.Buffer);
                _current = null;
            }

            foreach (var (buffer, _, reading) in _ranges)
            {
                _ = reading.ContinueWith(_ => ahead.GiveBack(buffer), TaskScheduler.Default); // not before the reader has let go of it
            }

            _ranges.Clear();
        }

        base.Dispose(disposing);
    }

    private async Task<bool> NextAsync(CancellationToken cancel)
    {
        if (_ranges.Count == 0)
        {
            if (_requested == stored.Length)
            {
                return false;
            }

            Request(await ahead.TakeAsync(cancel));
        }

        while (_ranges.Count < MostAtOnce && _requested < stored.Length && ahead.TryTake() is { } more)
        {
            Request(more);
        }

        var (buffer, length, reading) = _ranges.Peek();
        string? tag = await reading.WaitAsync(cancel);
        _ranges.Dequeue();
        _current = (buffer, length);
        _at = 0;
        if (_isKnown && tag != _tag)
        {
            throw Changed();
        }

        (_tag, _isKnown) = (tag, true);
        return true;
    }

    private void Request(byte[] buffer)
    {
        long offset = _requested;
        int length = (int)Math.Min(ReadAhead.RangeSize, stored.Length - offset);
        _requested += length;
        _ranges.Enqueue((buffer, length, ReadRangeAsync(buffer, offset, length, _stop.Token)));
    }

    private async Task<string?> ReadRangeAsync(byte[] buffer, long offset, int length, CancellationToken cancel)
    {
        await using var range = new S3ReadStream(storage, stored.Name, offset, length);
        await range.OpenAsync(cancel);
        if (range.Total != stored.Length)
        {
            throw Changed();
        }

        await range.ReadExactlyAsync(buffer.AsMemory(0, length), cancel);
        return range.Tag;
    }

    private MigrationException Changed() => new("ArchiveObjectChanged", MigrationErrorKind.InvalidData,
        $"{storage.Url}/{stored.Name} was replaced while it was being read. Start again, and find out what writes to this archive.");
}
