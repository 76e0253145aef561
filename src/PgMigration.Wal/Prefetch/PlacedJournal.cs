using System.Globalization;

namespace PgMigration.Wal;

/// <summary>
/// Remembers each segment that was fetched and checked, by the checksum of its whole content, across restarts. With it a file of the
/// pool, or PostgreSQL's own copy in pg_wal, is proven to be that segment: that a file of its name exists proves nothing, as recycled
/// and partly written ones look alike.
/// </summary>
/// <remarks>
/// One line a segment: name, checksum in hexadecimal. Appended and not synced: after a crash of the machine a line may be missing or torn,
/// and the segment is fetched once more. <c>%r</c> of restore_command tells what may be forgotten.
/// </remarks>
internal sealed class PlacedJournal
{
    // The file is written anew when so many of its lines are forgotten.
    private const int LinesToShed = 2000;
    private readonly string _file;
    private readonly int _segmentSize;
    private readonly Dictionary<WalSegmentName, uint> _checksums = [];
    private int _linesInFile;

    /// <summary>Reads the journal; a missing one is empty.</summary>
    public PlacedJournal(string file, int segmentSize)
    {
        _file = file;
        _segmentSize = segmentSize;
        foreach (string line in File.Exists(file) ? File.ReadAllLines(file) : [])
        {
            _linesInFile++;
            if (line.Length == 33 && line[24] == ' ' && WalSegmentName.TryParse(line.AsSpan(0, 24), out var name)
                && uint.TryParse(line.AsSpan(25), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint checksum))
            {
                _checksums[name] = checksum;
            }
        }

        // A torn last line must not spoil the next one.
        if (_linesInFile > 0 && _checksums.Count != _linesInFile)
        {
            WriteAnew();
        }
    }

    /// <summary>Notes a checked segment, before it can be handed out.</summary>
    public void Add(WalSegmentName name, uint checksum)
    {
        lock (_checksums)
        {
            _checksums[name] = checksum;
            File.AppendAllText(_file, LineOf(name, checksum));
            _linesInFile++;
        }
    }

    /// <summary>Whether the segment was fetched and checked before.</summary>
    public bool Knows(WalSegmentName name)
    {
        lock (_checksums)
        {
            return _checksums.ContainsKey(name);
        }
    }

    /// <summary>Whether the segment had this content when it was last fetched and checked.</summary>
    public bool Holds(WalSegmentName name, uint checksum)
    {
        lock (_checksums)
        {
            return _checksums.TryGetValue(name, out uint known) && known == checksum;
        }
    }

    /// <summary>Whether the file is this segment, as it was when it was checked.</summary>
    public bool Proves(WalSegmentName name, string file)
    {
        uint checksum;
        lock (_checksums)
        {
            if (!_checksums.TryGetValue(name, out checksum))
            {
                return false;
            }
        }

        return SegmentChecksum.Matches(file, _segmentSize, checksum);
    }

    /// <summary>Forgets what lies before a segment: PostgreSQL never asks for it again.</summary>
    public void ForgetBefore(WalSegmentName oldest)
    {
        lock (_checksums)
        {
            var before = oldest.Start(_segmentSize);
            foreach (var name in _checksums.Keys.Where(name => name.Start(_segmentSize) < before).ToList())
            {
                _ = _checksums.Remove(name);
            }

            if (_linesInFile - _checksums.Count > LinesToShed)
            {
                WriteAnew();
            }
        }
    }

    private static string LineOf(WalSegmentName name, uint checksum) => string.Create(CultureInfo.InvariantCulture, $"{name} {checksum:X8}\n");

    private void WriteAnew()
    {
        string temporary = _file + ".new";
        File.WriteAllText(temporary, string.Concat(_checksums.Select(pair => LineOf(pair.Key, pair.Value))));
        File.Move(temporary, _file, overwrite: true);
        _linesInFile = _checksums.Count;
    }
}
