using System.Collections.Concurrent;
using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>The files that the newest backup of a chain lists, and how far each is: nothing yet, some pages, or whole.</summary>
/// <remarks>17 bytes a file, and one bit a page of those that are in pieces. Safe for many threads, each with its own files.</remarks>
internal sealed class WantedFiles
{
    private const byte Untouched = 0;
    private const byte InPieces = byte.MaxValue;

    private readonly FileKeys _keys;
    private readonly byte[] _state;
    private readonly ConcurrentDictionary<UInt128, PartialFile> _pieces = new();
    private long _emptyPages;

    private WantedFiles(FileKeys keys)
    {
        _keys = keys;
        _state = new byte[keys.Count];
    }

    /// <summary>The longest chain that there can be: which backup made a file whole is noted in one byte.</summary>
    public static int LongestChain => InPieces - 2;

    /// <summary>Reads the list.</summary>
    /// <param name="list">The newest backup's list.</param>
    /// <param name="placement">Where its entries go.</param>
    /// <param name="incremented">Is given the paths of the increments that the backup holds.</param>
    /// <param name="inPart">Is told what lies in which part.</param>
    /// <param name="cancel">Ends it.</param>
    [SupportedOSPlatform("linux")]
    public static async Task<WantedFiles> ReadAsync(BackupFileList list, EntryPlacement placement, FileKeys incremented, BackupFileList.InPart inPart, CancellationToken cancel)
    {
        var keys = new FileKeys();
        await list.ReadAsync((name, isIncremented, _) =>
        {
            if (placement.Place(new TarEntry(name, TarEntryKind.File, 0, string.Empty)) is { } path)
            {
                keys.Add(path);
                if (isIncremented)
                {
                    incremented.Add(path);
                }
            }
        }, inPart, cancel);
        keys.Complete();
        incremented.Complete();
        return new WantedFiles(keys);
    }

    /// <summary>Reads of another backup of the chain only which increments it holds.</summary>
    [SupportedOSPlatform("linux")]
    public static async Task ReadIncrementsAsync(BackupFileList list, EntryPlacement placement, FileKeys incremented, BackupFileList.InPart inPart, CancellationToken cancel)
    {
        await list.ReadAsync((name, isIncremented, _) =>
        {
            if (isIncremented && placement.Place(new TarEntry(name, TarEntryKind.File, 0, string.Empty)) is { } path)
            {
                incremented.Add(path);
            }
        }, inPart, cancel);
        incremented.Complete();
    }

    /// <summary>How many files the list names.</summary>
    public int Count => _keys.Count;

    /// <summary>How many pages no backup of the chain has, and are therefore zeros.</summary>
    public long EmptyPages => Interlocked.Read(ref _emptyPages);

    /// <summary>Counts pages of a file that no backup of the chain has.</summary>
    public void LeaveEmpty(uint pages) => Interlocked.Add(ref _emptyPages, pages);

    /// <summary>Whether the list names it.</summary>
    public bool Has(UInt128 key) => _keys.IndexOf(key) >= 0;

    /// <summary>Which backup of the chain made it whole, from 0; null when none has yet.</summary>
    public int? MadeWholeBy(UInt128 key) => _keys.IndexOf(key) is >= 0 and var at && _state[at] is not (Untouched or InPieces) and var by ? by - 1 : null;

    /// <summary>The file if some of its pages are there; else null.</summary>
    public PartialFile? InPiecesOf(UInt128 key) => _pieces.GetValueOrDefault(key);

    /// <summary>An increment came: the file is in pieces from now on, if it was not already.</summary>
    public PartialFile Begin(UInt128 key, long length)
    {
        if (_keys.IndexOf(key) is >= 0 and var at)
        {
            _state[at] = InPieces;
        }

        return _pieces.GetOrAdd(key, _ => new PartialFile(length));
    }

    /// <summary>A backup has made it whole.</summary>
    public void Complete(UInt128 key, int backup)
    {
        if (_keys.IndexOf(key) is >= 0 and var at)
        {
            _state[at] = (byte)(backup + 1);
        }

        _pieces.TryRemove(key, out _);
    }
}
