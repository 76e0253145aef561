using System.Collections.Concurrent;

namespace PgMigration.Wal;

/// <summary>The pieces of a stream, decoded by a thread of its own, a few pieces ahead of whoever takes them.</summary>
/// <remarks>So that decoding, and waiting for the archive, happen while earlier pieces are being written. Not to be disposed of before the stream.</remarks>
internal sealed class DecodeAhead : IPieces, IDisposable
{
    /// <summary>Bytes of a piece.</summary>
    public const int PieceSize = 1 << 20;

    /// <summary>How many there are.</summary>
    public const int Pieces = 4;

    private readonly BlockingCollection<byte[]> _free = [];
    private readonly BlockingCollection<(byte[] Piece, int Length)> _decoded = [];
    private readonly ConcurrentBag<byte[]> _pool;
    private readonly CancellationTokenSource _stop;
    private readonly Thread _thread;
    private Exception? _failure;
    private byte[]? _taken;

    /// <summary>Starts to decode.</summary>
    /// <param name="stream">The decoded stream; it is not closed.</param>
    /// <param name="pool">Where the pieces come from and go back to.</param>
    /// <param name="stop">Ends it; cancelled when the pieces are not wanted any more, so that a read which waits for the network ends too.</param>
    public DecodeAhead(Stream stream, ConcurrentBag<byte[]> pool, CancellationTokenSource stop)
    {
        _stop = stop;
        _pool = pool;
        for (int i = 0; i < Pieces; i++)
        {
            _free.Add(pool.TryTake(out byte[]? piece) ? piece : GC.AllocateUninitializedArray<byte>(PieceSize), CancellationToken.None);
        }

        _thread = new Thread(() => Decode(stream)) { IsBackground = true, Name = "decoder" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Next()
    {
        if (_taken is not null)
        {
            _free.Add(_taken, CancellationToken.None);
            _taken = null;
        }

        if (_decoded.TryTake(out var next, Timeout.Infinite, CancellationToken.None))
        {
            _taken = next.Piece;
            return next.Piece.AsMemory(0, next.Length);
        }

        if (_failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_failure);
        }

        return default;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        if (_taken is not null)
        {
            _pool.Add(_taken);
        }

        while (_free.TryTake(out byte[]? piece))
        {
            _pool.Add(piece);
        }

        while (_decoded.TryTake(out var decoded))
        {
            _pool.Add(decoded.Piece);
        }

        _free.Dispose();
        _decoded.Dispose();
    }

    private void Decode(Stream stream)
    {
        try
        {
            while (true)
            {
                byte[] piece = _free.Take(_stop.Token);
                int length = stream.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false);
                _decoded.Add((piece, length), CancellationToken.None);
                if (length == 0)
                {
                    break;
                }
            }
        }
        catch (Exception error)
        {
            _failure = error;
        }
        finally
        {
            _decoded.CompleteAdding();
        }
    }
}
