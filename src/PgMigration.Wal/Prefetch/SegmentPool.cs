namespace PgMigration.Wal;

/// <summary>Checked segments that wait to be asked for: files of <c>pgmigration/pool</c>, each renamed there when it was whole.</summary>
/// <remarks>
/// Whoever is handed a file renames it away, so that only the file system knows what has been taken. Files of an earlier run are handed
/// out only when the journal proves them: after a crash of the machine they may hold zeros.
/// </remarks>
internal sealed class SegmentPool
{
    private const string TemporarySuffix = ".new";
    private readonly string _folder;
    private readonly int _segmentSize;
    private readonly PlacedJournal _journal;
    private readonly Dictionary<WalSegmentName, bool> _proven = [];
    private WalSegmentName? _handedOut;

    /// <summary>Opens the pool and looks at what an earlier run left in it.</summary>
    public SegmentPool(RestoreLayout layout, int segmentSize, PlacedJournal journal)
    {
        _folder = layout.PoolFolder;
        _segmentSize = segmentSize;
        _journal = journal;
        _ = Directory.CreateDirectory(_folder);
        foreach (string file in Directory.EnumerateFiles(_folder).ToList())
        {
            if (WalSegmentName.TryParse(Path.GetFileName(file), out var name))
            {
                _proven[name] = false;
            }
            else
            {
                File.Delete(file);
            }
        }
    }

    /// <summary>Bytes of the segments that wait in the pool.</summary>
    public long Bytes
    {
        get
        {
            NoticeTaken();
            return _proven.Count * (long)_segmentSize;
        }
    }

    /// <summary>The names in the pool.</summary>
    public IReadOnlyCollection<WalSegmentName> Names => _proven.Keys;

    /// <summary>Where a file of this name is written before it is added.</summary>
    public string TemporaryFile(string name) => FileOf(name) + TemporarySuffix;

    /// <summary>Takes in a segment that was written to <see cref="TemporaryFile"/> and checked.</summary>
    public void Add(WalSegmentName name, uint checksum) => Add(name, checksum, TemporaryFile(name.ToString()));

    /// <summary>Takes in a segment that was written to a file of the pool's folder and checked.</summary>
    public void Add(WalSegmentName name, uint checksum, string file)
    {
        _journal.Add(name, checksum);
        File.Move(file, FileOf(name.ToString()), overwrite: true);
        _proven[name] = true;
    }

    /// <summary>Whether a file of this name waits here, proven or not.</summary>
    public bool Contains(WalSegmentName name)
    {
        if (_handedOut == name)
        {
            NoticeTaken();
        }

        return _proven.ContainsKey(name);
    }

    /// <summary>Hands out a segment: the path to take it from, or null when it does not wait here. A file of an earlier run that is not what was checked is dropped.</summary>
    public string? HandOut(WalSegmentName name)
    {
        if (!_proven.TryGetValue(name, out bool isProven))
        {
            return null;
        }

        string file = FileOf(name.ToString());
        if (!File.Exists(file) || (!isProven && !_journal.Proves(name, file)))
        {
            Remove(name);
            return null;
        }

        NoticeTaken();
        _proven[name] = true;
        _handedOut = name;
        return PathToTake(name.ToString());
    }

    /// <summary>Drops a segment that nobody will ask for any more.</summary>
    public void Remove(WalSegmentName name)
    {
        File.Delete(FileOf(name.ToString()));
        _ = _proven.Remove(name);
    }

    /// <summary>Puts a small file, such as a timeline's history, into the pool to be taken.</summary>
    public void Put(string name, ReadOnlySpan<byte> content)
    {
        File.WriteAllBytes(TemporaryFile(name), content);
        File.Move(TemporaryFile(name), FileOf(name), overwrite: true);
    }

    /// <summary>The path by which restore_command takes a file: relative to the data directory, in which it runs.</summary>
    public static string PathToTake(string name) => $"{RestoreLayout.FolderName}/pool/{name}";

    // Only what was handed out can be gone: one look at the disk, not one for each file of the pool.
    private void NoticeTaken()
    {
        if (_handedOut is { } last && !File.Exists(FileOf(last.ToString())))
        {
            _ = _proven.Remove(last);
            _handedOut = null;
        }
    }

    private string FileOf(string name) => Path.Combine(_folder, name);
}
