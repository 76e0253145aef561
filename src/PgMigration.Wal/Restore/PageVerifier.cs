using System.Collections.Concurrent;
using System.Globalization;

namespace PgMigration.Wal;

/// <summary>Checks the pages of a backup by their checksums while they are on their way to the disk: nothing is read a second time.</summary>
/// <remarks>
/// A page that changed at or after the backup's start is passed over, as pg_basebackup and pg_checksums do: it may have been copied while
/// it was being written, and replay overwrites it whole. One that has an old position may be torn all the same, when its second half was
/// newer than its first; so what is found is a suspicion, to be looked at again once the server is consistent.
/// Whether the cluster has checksums at all is known only at the end, from pg_control.
/// </remarks>
/// <param name="from">Where the backup starts.</param>
public sealed class PageVerifier(Lsn from)
{
    /// <summary>Bytes of a page.</summary>
    public const int PageSize = PageChecksum.PageSize;

    // More are not worth a line each: the backup is no good.
    private const int Most = 10_000;

    private const int PagesOfSegment = 131_072; // 1 GB

    private readonly ConcurrentQueue<SuspectPage> _suspects = new();
    private long _pages;
    private string? _file;
    private int _saved;

    /// <summary>How many pages were checked.</summary>
    public long Pages => Interlocked.Read(ref _pages);

    /// <summary>Those whose checksum is wrong; 10,000 at most.</summary>
    public IReadOnlyCollection<SuspectPage> Suspects => [.. _suspects.Distinct()];

    /// <summary>Whether a file, by its path in the data directory, consists of pages.</summary>
    public static bool HasPages(string path) =>
        (path.StartsWith("base/", StringComparison.Ordinal) || path.StartsWith("global/", StringComparison.Ordinal) || path.StartsWith("pg_tblspc/", StringComparison.Ordinal))
        && RelationFile.TryParse(Path.GetFileName(path)) is { IsTemporary: false };

    /// <summary>Whether a page is wrong that should not be.</summary>
    /// <param name="path">The file, for the number of its first page within the relation.</param>
    /// <param name="block">The page's number within the file.</param>
    /// <param name="page">The page.</param>
    public bool IsWrong(string path, uint block, ReadOnlySpan<byte> page) =>
        !PageChecksum.IsNew(page) && PageChecksum.LastChange(page) < from && PageChecksum.Carried(page) != PageChecksum.Compute(page, (Segment(path) * PagesOfSegment) + block);

    /// <summary>Goes on with what earlier runs found.</summary>
    internal void Open(string file)
    {
        _file = file;
        foreach (string line in File.Exists(file) ? File.ReadAllLines(file) : [])
        {
            if (line.Split('\t') is [var path, var block] && uint.TryParse(block, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
            {
                _suspects.Enqueue(new SuspectPage(path, number)); // a page of a part that was extracted again may be there twice
            }
        }

        _saved = _suspects.Count;
    }

    /// <summary>Saves what was found since, before the parts that it lay in count as done.</summary>
    internal void Save()
    {
        var fresh = _suspects.Skip(_saved).ToList();
        if (fresh.Count > 0)
        {
            File.AppendAllLines(_file!, fresh.Select(page => string.Create(CultureInfo.InvariantCulture, $"{page.File}\t{page.Block}")));
            _saved += fresh.Count;
        }
    }

    /// <summary>Checks a piece of a file that has pages.</summary>
    internal void Check(string path, long offset, ReadOnlySpan<byte> piece)
    {
        Interlocked.Add(ref _pages, piece.Length / PageChecksum.PageSize);
        for (uint block = (uint)(offset / PageChecksum.PageSize); piece.Length >= PageChecksum.PageSize; block++, piece = piece[PageChecksum.PageSize..])
        {
            if (IsWrong(path, block, piece[..PageChecksum.PageSize]) && _suspects.Count < Most)
            {
                _suspects.Enqueue(new SuspectPage(path, block));
            }
        }
    }

    // "16384.3", "16384_fsm.1"
    private static uint Segment(string path)
    {
        int dot = path.LastIndexOf('.');
        return dot > path.LastIndexOf('/') && uint.TryParse(path.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint segment) ? segment : 0;
    }
}
