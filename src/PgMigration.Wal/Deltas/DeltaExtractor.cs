using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Extracts the parts of one backup of a chain: of each file only what no newer backup has given.</summary>
/// <remarks>
/// The newest backup comes first and the full one last, so each page is written once. Pages that none of them has are zeros: a file may
/// have been extended by pages that were not written yet (PostgreSQL extends by several at once and logs none of them), and a writer that
/// takes the numbers of changed pages from the WAL (<c>WALG_USE_WAL_DELTA</c>) does not learn of them.
/// </remarks>
/// <param name="backup">Which one of the chain, from 0 for the newest.</param>
/// <param name="files">The data directory's files.</param>
/// <param name="placement">Where entries go.</param>
/// <param name="wanted">What the newest backup lists.</param>
/// <param name="incremented">The paths of which this backup holds increments.</param>
/// <param name="links">Links of the newest backup that are left out.</param>
[SupportedOSPlatform("linux")]
internal sealed class DeltaExtractor(int backup, DataDirectoryFiles files, EntryPlacement placement, WantedFiles wanted, FileKeys incremented, LeftOutLinks links)
{
    private const string OwnFolder = RestoreLayout.FolderName + "/";

    private readonly bool[] _seen = new bool[incremented.Count];

    /// <summary>Reads a decoded tar to its end.</summary>
    /// <exception cref="InvalidDataException">The part is cut or altered.</exception>
    /// <exception cref="MigrationException"><c>EntryTwice</c>, <c>EntryNameHostile</c>.</exception>
    public void Extract(IPieces tar, FileWriter writer, DeltaJournal journal, WriteAllowance allowance, CancellationToken cancel)
    {
        var parser = new TarParser(tar);
        while (parser.Next() is { } entry)
        {
            cancel.ThrowIfCancellationRequested();
            if (placement.Place(entry) is not { } path)
            {
                if (backup == 0)
                {
                    links.Add(entry); // one that only older backups have was dropped since
                }

                continue;
            }

            if (backup > 0 && (path.StartsWith(OwnFolder, StringComparison.Ordinal) || links.Contains(path)))
            {
                continue; // labels and control files of older backups, and what is a link by now
            }

            if (entry.Kind == TarEntryKind.Folder)
            {
                if (backup == 0)
                {
                    links.RequireNotThrough(path);
                    files.MakeFolder(path); // one that only older backups have was dropped since
                }

                continue;
            }

            allowance.Take(entry);
            var key = FileKey.Of(path);
            if (backup > 0 && !wanted.Has(key))
            {
                continue; // dropped since
            }

            links.RequireNotThrough(path);
            if (wanted.MadeWholeBy(key) is { } by)
            {
                if (by == backup)
                {
                    throw Twice(path);
                }
            }
            else if (See(key))
            {
                WritePages(parser, entry, path, key, writer, journal, cancel);
            }
            else if (wanted.InPiecesOf(key) is { } pieces)
            {
                WriteMissing(parser, entry, path, pieces, writer, cancel);
                wanted.Complete(key, backup);
                journal.AddWhole(key);
            }
            else
            {
                writer.Write(new RestoredFile(files, path, entry.Length), entry.Length, parser, cancel);
                wanted.Complete(key, backup);
                journal.AddWhole(key);
            }
        }

        writer.Drain();
    }

    /// <summary>A part that an earlier run did, told again by its journal.</summary>
    public void Replay(RestoreLayout layout, string part) => DeltaJournal.Replay(layout, part, key => wanted.Complete(key, backup), (key, increment) =>
    {
        _ = See(key);
        var pieces = wanted.Begin(key, increment.Length);
        foreach (uint block in increment.Blocks)
        {
            pieces.Take(block);
        }

        Close(key, pieces, increment);
    });

    /// <summary>Checks that every increment came which the backup lists: without one, its pages would be those of older backups.</summary>
    /// <exception cref="MigrationException"><c>BackupIncomplete</c>.</exception>
    public void CheckComplete(string name)
    {
        int missing = 0;
        for (int i = 0; i < _seen.Length; i++)
        {
            missing += !_seen[i] && wanted.Has(incremented[i]) && !(wanted.MadeWholeBy(incremented[i]) < backup) ? 1 : 0;
        }

        if (missing > 0)
        {
            throw new MigrationException("BackupIncomplete", MigrationErrorKind.InvalidData,
                $"The backup {name} lists the changes of {missing} files that none of its parts held: a part is cut or missing in the archive. Choose another backup with -BackupName.");
        }
    }

    private bool See(UInt128 key)
    {
        int at = incremented.IndexOf(key);
        if (at >= 0)
        {
            _seen[at] = true;
        }

        return at >= 0;
    }

    private void WritePages(TarParser parser, in TarEntry entry, string path, UInt128 key, FileWriter writer, DeltaJournal journal, CancellationToken cancel)
    {
        var increment = Increment.Read(entry, parser);
        var pieces = wanted.Begin(key, increment.Length);
        var file = new RestoredFile(files, path, pieces.Length, keepsContent: true);
        file.Open(); // also when no page of it follows
        for (int at = 0; at < increment.Blocks.Length;)
        {
            uint first = increment.Blocks[at++];
            if (!pieces.Take(first))
            {
                parser.Skip(Increment.PageSize);
                continue;
            }

            uint count = 1;
            while (at < increment.Blocks.Length && increment.Blocks[at] == first + count && count < AlignedBuffer.Size / Increment.PageSize && pieces.Take(first + count))
            {
                at++;
                count++;
            }

            writer.WritePiece(file, (long)first * Increment.PageSize, (int)count * Increment.PageSize, parser, cancel);
        }

        file.Release();
        journal.AddPages(key, increment);
        Close(key, pieces, increment);
    }

    private void Close(UInt128 key, PartialFile pieces, Increment increment)
    {
        pieces.Limit(increment.Length);
        if (pieces.Missing == 0)
        {
            wanted.Complete(key, backup);
        }
    }

    private void WriteMissing(TarParser parser, in TarEntry entry, string path, PartialFile pieces, FileWriter writer, CancellationToken cancel)
    {
        var file = new RestoredFile(files, path, pieces.Length, keepsContent: true);
        uint pages = (uint)Math.Min(entry.Length / Increment.PageSize, uint.MaxValue);
        uint at = 0;
        while (pieces.FirstMissing(at) is { } first && first < pages)
        {
            parser.Skip((long)(first - at) * Increment.PageSize);
            uint count = 0;
            while (first + count < pages && count < AlignedBuffer.Size / Increment.PageSize && pieces.Take(first + count))
            {
                count++;
            }

            writer.WritePiece(file, (long)first * Increment.PageSize, (int)count * Increment.PageSize, parser, cancel);
            at = first + count;
        }

        if (pieces.Missing > 0)
        {
            file.Open(); // also when no page of this backup is wanted
            wanted.LeaveEmpty(pieces.Missing);
        }

        file.Release();
    }

    private static MigrationException Twice(string path) => new("EntryTwice", MigrationErrorKind.InvalidData,
        $"The backup holds '{path}' more than once: nobody knows which of them counts. This backup is not restored; choose another with -BackupName.");
}
