using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Extracts one part of a base backup into the data directory.</summary>
/// <remarks>No fsync for each file: the loader flushes whole file systems, and only then counts a part as done.</remarks>
[SupportedOSPlatform("linux")]
internal sealed class PartExtractor(DataDirectoryFiles files, EntryPlacement placement, FileWriter writer, WriteAllowance allowance, LeftOutLinks links)
{
    /// <summary>Reads a decoded tar to its end. What a killed attempt left is overwritten.</summary>
    /// <param name="tar">The decoded part.</param>
    /// <param name="cancel">Checked for each piece.</param>
    /// <exception cref="InvalidDataException">The part is cut or altered.</exception>
    public void Extract(IPieces tar, CancellationToken cancel)
    {
        var parser = new TarParser(tar);
        while (parser.Next() is { } entry)
        {
            cancel.ThrowIfCancellationRequested();
            if (placement.Place(entry) is { } path)
            {
                links.RequireNotThrough(path);
                Make(parser, entry, path, cancel);
            }
            else
            {
                links.Add(entry);
            }
        }

        writer.Drain();
    }

    private void Make(TarParser parser, in TarEntry entry, string path, CancellationToken cancel)
    {
        if (entry.Kind == TarEntryKind.Folder)
        {
            files.MakeFolder(path);
        }
        else
        {
            allowance.Take(entry);
            writer.Write(new RestoredFile(files, path, entry.Length), entry.Length, parser, cancel);
        }
    }
}
