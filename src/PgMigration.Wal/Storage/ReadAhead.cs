using System.Collections.Concurrent;

namespace PgMigration.Wal;

/// <summary>The memory into which objects are read ahead: so many ranges in all, whatever the number of objects and their sizes.</summary>
public sealed class ReadAhead : IDisposable
{
    /// <summary>Bytes of one range: large enough that a request's latency does not count, and small enough to be repeated.</summary>
    public const int RangeSize = 8 << 20;

    private readonly SemaphoreSlim _free;
    private readonly ConcurrentBag<byte[]> _buffers = [];

    /// <summary>Memory for so many ranges; it is taken when it is needed.</summary>
    /// <param name="ranges">How many ranges are being read or wait to be decoded, at most.</param>
    public ReadAhead(int ranges = 16)
    {
        _free = new SemaphoreSlim(ranges, ranges);
        Ranges = ranges;
    }

    /// <summary>How many ranges there are at most.</summary>
    public int Ranges { get; }

    /// <inheritdoc/>
    public void Dispose() => _free.Dispose();

    /// <summary>Waits for a buffer of one range.</summary>
    internal async ValueTask<byte[]> TakeAsync(CancellationToken cancel)
    {
        await _free.WaitAsync(cancel);
        return _buffers.TryTake(out byte[]? buffer) ? buffer : GC.AllocateUninitializedArray<byte>(RangeSize);
    }

    /// <summary>A buffer if one is free at this moment; else null.</summary>
    internal byte[]? TryTake() => !_free.Wait(0, CancellationToken.None) ? null : _buffers.TryTake(out byte[]? buffer) ? buffer : GC.AllocateUninitializedArray<byte>(RangeSize);

    /// <summary>Gives a buffer back.</summary>
    internal void GiveBack(byte[] buffer)
    {
        _buffers.Add(buffer);
        _free.Release();
    }
}
