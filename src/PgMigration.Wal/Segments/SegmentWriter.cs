namespace PgMigration.Wal;

/// <summary>Stores single files of WAL in an archive: what an archive_command does.</summary>
public static class SegmentWriter
{
    private const int BufferSize = 256 * 1024;

    /// <summary>
    /// Stores one file. PostgreSQL asks for the same file again when it did not hear of a success: the same content that is already there
    /// is a success, and another content an error, never overwritten.
    /// </summary>
    /// <param name="storage">The archive; a folder must exist.</param>
    /// <param name="path">The file (<c>%p</c> of archive_command).</param>
    /// <param name="name">Its name (<c>%f</c>): a segment, or one with <c>.history</c>, <c>.backup</c>, <c>.partial</c>.</param>
    /// <param name="codec">How it is compressed; null for LZ4.</param>
    /// <param name="cancel">Ends it; nothing half is stored.</param>
    /// <returns>False when it was there already.</returns>
    /// <exception cref="MigrationException"><c>WalNameInvalid</c>, <c>SegmentDamaged</c>, <c>SegmentTruncated</c>, <c>SegmentExists</c>, or what the archive says.</exception>
    public static async Task<bool> PushAsync(IArchiveStorage storage, string path, string name, ICodec? codec = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(storage);
        await CheckAsync(path, name, cancel);
        if (await SegmentStore.FindAsync(storage, name, cancel) is { } existing)
        {
            return await IsSameAsync(storage, existing, path, cancel) ? false : throw new MigrationException("SegmentExists", MigrationErrorKind.InvalidOperation,
                $"{storage.Url} already holds {existing.Object.Name} with another content than '{path}'. It is not overwritten: find out which server archives to the same place.");
        }

        await storage.WriteEncodedAsync(SegmentStore.Folder + name, codec ?? Codec.Lz4, async (stream, token) =>
        {
            await using var file = OpenFile(path);
            await file.CopyToAsync(stream, BufferSize, token);
        }, cancel);
        return true;
    }

    // The server itself names its files rightly; a person or a script that archives what was left behind may not.
    private static async Task CheckAsync(string path, string name, CancellationToken cancel)
    {
        if (WalSegmentName.TryParse(name.EndsWith(".partial", StringComparison.Ordinal) ? name[..^".partial".Length] : name, out var segment))
        {
            byte[] first = new byte[WalPageHeader.Size];
            await using var file = OpenFile(path);
            int read = await file.ReadAtLeastAsync(first, first.Length, throwOnEndOfStream: false, cancel);
            var header = WalPageHeader.Read(first);
            if (read == first.Length && header.SegmentSize is >= 1 << 20 and <= 1 << 30)
            {
                var check = new SegmentCheck(header.SystemIdentifier, (int)header.SegmentSize, WalPageMagic.MajorVersion(header.Magic) ?? 0);
                check.VerifyHeader(path, segment, first);
                check.VerifyLength(path, file.Length);
                return;
            }

            throw new MigrationException("SegmentDamaged", MigrationErrorKind.InvalidData, $"'{path}' does not begin as a WAL segment and is not archived as {name}.");
        }

        bool isNote = name.EndsWith(".backup", StringComparison.Ordinal) && name.Length > 24 && WalSegmentName.TryParse(name.AsSpan(0, 24), out _);
        if (!isNote && !TimelineHistory.TryParseFileName(name, out _))
        {
            throw new MigrationException("WalNameInvalid", MigrationErrorKind.InvalidArgument,
                $"'{name}' is not the name of a WAL file. Expected a segment's 24 hexadecimal digits, a .history, a .backup or a .partial file.");
        }
    }

    private static async Task<bool> IsSameAsync(IArchiveStorage storage, WalObject existing, string path, CancellationToken cancel)
    {
        try
        {
            await using var decoded = await storage.OpenDecodedAsync(existing.Object.Name, cancel);
            await using var file = OpenFile(path);
            byte[] left = new byte[BufferSize];
            byte[] right = new byte[BufferSize];
            while (true)
            {
                int leftRead = await decoded.ReadAtLeastAsync(left, left.Length, throwOnEndOfStream: false, cancel);
                int rightRead = await file.ReadAtLeastAsync(right, right.Length, throwOnEndOfStream: false, cancel);
                if (!left.AsSpan(0, leftRead).SequenceEqual(right.AsSpan(0, rightRead)))
                {
                    return false;
                }

                if (leftRead == 0)
                {
                    return true;
                }
            }
        }
        catch (InvalidDataException)
        {
            return false; // what is there is damaged: an engineer must look at it
        }
    }

    private static FileStream OpenFile(string path) => new(path, new FileStreamOptions { Access = FileAccess.Read, Mode = FileMode.Open, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 });
}
