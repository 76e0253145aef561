using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace PgMigration.Wal;

/// <summary>A file of a backup while it is being written, by several threads at once; the last of them closes it.</summary>
/// <param name="files">The data directory's files.</param>
/// <param name="relative">Its path.</param>
/// <param name="length">How long it will be.</param>
/// <param name="keepsContent">Whether pages of it are there already and stay.</param>
[SupportedOSPlatform("linux")]
internal sealed class RestoredFile(DataDirectoryFiles files, string relative, long length, bool keepsContent = false)
{
    private readonly Lock _opening = new();
    private volatile SafeFileHandle? _handle;
    private volatile bool _isDirect;
    private bool _isLonger;
    private int _users = 1;

    /// <summary>Its path in the data directory.</summary>
    public string Path => relative;

    /// <summary>One more piece is on its way.</summary>
    public void Use() => Interlocked.Increment(ref _users);

    /// <summary>Makes sure that the file is there, with its length.</summary>
    public void Open() => _ = Handle();

    /// <summary>Writes a piece.</summary>
    /// <param name="piece">The bytes; room behind them, up to the next multiple of the alignment, may be overwritten.</param>
    /// <param name="count">How many of them.</param>
    /// <param name="offset">Where in the file.</param>
    public void Write(Span<byte> piece, int count, long offset)
    {
        var handle = Handle();
        if (_isDirect && count > 0)
        {
            int padded = (count + AlignedBuffer.Alignment - 1) & -AlignedBuffer.Alignment;
            piece[count..padded].Clear();
            try
            {
                RandomAccess.Write(handle, piece[..padded], offset);
                _isLonger |= padded > count; // only the last piece of a file is not a multiple
                return;
            }
            catch (IOException error) when (DataDirectoryFiles.IsDirectRefused(error))
            {
                files.GiveUpDirect(handle);
                _isDirect = false;
            }
        }

        RandomAccess.Write(handle, piece[..count], offset);
    }

    /// <summary>A piece is written, or the last one has been handed over; whoever is last gives the file its length and closes it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0)
        {
            return;
        }

        if (_isLonger)
        {
            RandomAccess.SetLength(_handle!, length);
        }

        Abandon();
    }

    /// <summary>Closes it as it is.</summary>
    public void Abandon() => _handle?.Dispose();

    private SafeFileHandle Handle()
    {
        if (_handle is { } open)
        {
            return open;
        }

        lock (_opening)
        {
            return _handle ??= Open(out _);
        }

        SafeFileHandle Open(out bool isDirect)
        {
            var handle = keepsContent ? files.OpenKept(relative, length, out isDirect) : files.OpenOnce(relative, length, out isDirect);
            _isDirect = isDirect;
            return handle;
        }
    }
}
