using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Extracts one part of a base backup into the data directory.</summary>
/// <remarks>No fsync for each file: the loader flushes whole file systems, and only then counts a part as done.</remarks>
[SupportedOSPlatform("linux")]
internal sealed class PartExtractor(DataDirectoryFiles files, EntryPlacement placement)
{
    /// <summary>Reads a decoded tar to its end. What a killed attempt left is overwritten.</summary>
    /// <param name="tar">The decoded part.</param>
    /// <param name="cancel">Checked between pieces of a megabyte.</param>
    /// <exception cref="InvalidDataException">The part is cut or altered.</exception>
    public void Extract(Stream tar, CancellationToken cancel)
    {
        var parser = new TarParser(tar);
        while (parser.Next() is { } entry)
        {
            cancel.ThrowIfCancellationRequested();
            if (placement.Place(entry) is not { } path)
            {
                continue;
            }

            switch (entry.Kind)
            {
                case TarEntryKind.Folder:
                    files.MakeFolder(path);
                    break;
                case TarEntryKind.SymbolicLink:
                    files.MakeLink(path, entry.LinkTarget);
                    break;
                default:
                    Write(parser, path, entry.Length, cancel);
                    break;
            }
        }
    }

    private void Write(TarParser parser, string path, long length, CancellationToken cancel)
    {
        using var file = files.OpenNew(path, length);
        long at = 0;
        for (var piece = parser.ReadContent(); !piece.IsEmpty; piece = parser.ReadContent())
        {
            cancel.ThrowIfCancellationRequested();
            RandomAccess.Write(file, piece, at);
            at += piece.Length;
        }
    }
}
