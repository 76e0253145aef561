using System.Collections.Concurrent;
using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Writes files behind the back of the thread that decodes them: what is decoded is copied into aligned buffers, which threads of its own write.</summary>
/// <remarks>
/// Memory is bounded by the buffers, whatever the files' sizes. Large files go past the page cache: on the machines that were measured,
/// that writes several times as fast as the kernel flushes dirty pages, and leaves the cache to the server. Not for more than one
/// caller at a time.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class FileWriter : IDisposable
{
    /// <summary>Buffers of one writer: 4 MB.</summary>
    private const int Buffers = 8;

    // One waits for the disk while the other makes the next file.
    private const int Threads = 2;

    private readonly BlockingCollection<AlignedBuffer> _free = [];
    private readonly BlockingCollection<AlignedBuffer> _full = [];
    private readonly Thread[] _threads;
    private Exception? _failure;

    private readonly PageVerifier? _verifier;

    /// <summary>Starts the threads.</summary>
    /// <param name="verifier">Looks at the pages that are written; null when nobody does.</param>
    public FileWriter(PageVerifier? verifier)
    {
        _verifier = verifier;
        for (int i = 0; i < Buffers; i++)
        {
            _free.Add(new AlignedBuffer());
        }

        _threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(Work) { IsBackground = true, Name = "file writer" })];
        foreach (var thread in _threads)
        {
            thread.Start();
        }
    }

    /// <summary>Copies a file's whole content to be written, and lets go of the file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="length">Its length.</param>
    /// <param name="content">What stands at the beginning of the content.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="InvalidDataException">The content is cut.</exception>
    /// <exception cref="IOException">An earlier write failed.</exception>
    public void Write(RestoredFile file, long length, TarParser content, CancellationToken cancel)
    {
        long at = 0;
        do
        {
            at += WritePiece(file, at, (int)Math.Min(length - at, AlignedBuffer.Size), content, cancel);
        }
        while (at < length);
        file.Release();
    }

    /// <summary>Copies the next bytes of a content to be written.</summary>
    /// <returns><paramref name="count"/>.</returns>
    public int WritePiece(RestoredFile file, long offset, int count, TarParser content, CancellationToken cancel)
    {
        ThrowIfFailed();
        var buffer = _free.Take(cancel);
        try
        {
            for (int filled = 0; filled < count;)
            {
                var piece = content.ReadContent(count - filled);
                piece.CopyTo(buffer.Span[filled..]);
                filled += piece.Length > 0 ? piece.Length : throw new InvalidDataException("a file is shorter than it should be");
            }
        }
        catch
        {
            _free.Add(buffer, CancellationToken.None);
            throw;
        }

        (buffer.File, buffer.Offset, buffer.Length) = (file, offset, count);
        file.Use();
        _full.Add(buffer, CancellationToken.None);
        return count;
    }

    /// <summary>Returns when everything handed over has been written and closed.</summary>
    /// <exception cref="IOException">A write failed.</exception>
    public void Drain()
    {
        var all = new AlignedBuffer[Buffers];
        for (int i = 0; i < Buffers; i++)
        {
            all[i] = _free.Take();
        }

        foreach (var buffer in all)
        {
            _free.Add(buffer);
        }

        var failure = Interlocked.Exchange(ref _failure, null);
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Ends the threads; what was not drained may not have been written.</summary>
    public void Dispose()
    {
        _full.CompleteAdding();
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        while (_free.TryTake(out var buffer))
        {
            buffer.Dispose();
        }

        _free.Dispose();
        _full.Dispose();
    }

    private void Work()
    {
        foreach (var buffer in _full.GetConsumingEnumerable())
        {
            var file = buffer.File!;
            try
            {
                if (Volatile.Read(ref _failure) is null)
                {
                    if (_verifier is not null && PageVerifier.HasPages(file.Path))
                    {
                        _verifier.Check(file.Path, buffer.Offset, buffer.Span[..buffer.Length]);
                    }

                    file.Write(buffer.Span, buffer.Length, buffer.Offset);
                    file.Release();
                }
                else
                {
                    file.Abandon();
                }
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref _failure, error, null);
                file.Abandon();
            }

            buffer.File = null;
            _free.Add(buffer);
        }
    }

    private void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is { } failure)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }
}
