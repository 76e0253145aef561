using System.Globalization;

namespace PgMigration.Wal;

/// <summary>The WAL that a base backup needs to become consistent: checked to be in the archive before terabytes are loaded.</summary>
/// <param name="SystemIdentifier">The cluster that wrote it.</param>
/// <param name="SegmentSize">The cluster's segment size in bytes.</param>
/// <param name="MajorVersion">The major version that wrote it.</param>
public sealed record BackupWal(ulong SystemIdentifier, int SegmentSize, int MajorVersion)
{
    /// <summary>Reads the first segment's header, and looks for every segment up to the backup's end.</summary>
    /// <exception cref="MigrationException"><c>SegmentMissing</c>, <c>SegmentDamaged</c>, <c>SegmentForeign</c>, <c>CodecNotSupported</c>.</exception>
    public static async Task<BackupWal> CheckAsync(IArchiveStorage storage, WalBackup backup, CancellationToken cancel)
    {
        // whatever sorts behind the name before the first segment's: the segment with any codec's extension, or without one
        string first = backup.StartSegment.ToString();
        BackupWal? wal = null;
        var needed = new List<ArchiveObject>();
        WalObject? unreadable = null;
        MigrationException? failure = null;
        var next = backup.StartSegment;
        await foreach (var found in SegmentStore.ListAsync(storage, first[..^1] + (char)(first[^1] - 1), cancel))
        {
            int order = string.CompareOrdinal(found.Name, next.ToString());
            if (order > 0 && found.Segment is not null)
            {
                break; // a hole
            }

            if (order != 0)
            {
                continue; // a note beside a segment, or the same segment with another codec
            }

            if (!found.IsReadable || found.Object.Length == 0)
            {
                unreadable = found; // another object may hold it too
                continue;
            }

            try
            {
                wal ??= await ReadHeaderAsync(storage, found.Object.Name, backup, cancel);
            }
            catch (MigrationException error) when (error.Kind == MigrationErrorKind.InvalidData)
            {
                failure = error;
                continue;
            }

            needed.Add(found.Object);
            if (backup.FinishLsn is not { } finish || next.Start(wal.SegmentSize) + wal.SegmentSize >= finish)
            {
                await ArchivedObjects.RequireReadableAsync(storage, needed, $"the WAL that {backup.Name} needs", cancel);
                return wal;
            }

            (unreadable, failure) = (null, null);
            next = next.Next(wal.SegmentSize);
        }

        if (failure is not null)
        {
            throw failure;
        }

        if (unreadable is { IsReadable: false })
        {
            _ = Codec.ForName(unreadable.Object.Name); // throws: names the object and the codecs
        }

        if (unreadable is not null)
        {
            throw Damaged(storage, unreadable.Object.Name, "it is empty");
        }

        throw new MigrationException("SegmentMissing", MigrationErrorKind.InvalidData,
            $"The segment {next} is not in {storage.Url}/{SegmentStore.Folder}, and without it the backup {backup.Name} never becomes consistent. Choose another backup with -BackupName; Get-WalBackup lists them.");
    }

    private static async Task<BackupWal> ReadHeaderAsync(IArchiveStorage storage, string name, WalBackup backup, CancellationToken cancel)
    {
        byte[] page = new byte[WalPageHeader.Size];
        try
        {
            await using var segment = await storage.OpenDecodedAsync(name, cancel);
            await segment.ReadExactlyAsync(page, cancel);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw Damaged(storage, name, $"it cannot be decoded: {error.Message}", error);
        }

        var header = WalPageHeader.Read(page);
        int major = WalPageMagic.MajorVersion(header.Magic) ?? backup.MajorVersion ?? throw Damaged(storage, name,
            string.Create(CultureInfo.InvariantCulture, $"it begins with {header.Magic:X4}, which no known version of PostgreSQL writes (it may be encrypted)"));
        var check = new SegmentCheck(backup.SystemIdentifier ?? header.SystemIdentifier, (int)header.SegmentSize, major);
        check.VerifyHeader(name, backup.StartSegment, page);
        return new BackupWal(header.SystemIdentifier, (int)header.SegmentSize, major);
    }

    private static MigrationException Damaged(IArchiveStorage storage, string name, string why, Exception? cause = null) =>
        new("SegmentDamaged", MigrationErrorKind.InvalidData, $"{storage.Url}/{name} is damaged: {why.TrimEnd('.')}. Choose another backup with -BackupName.", cause);
}
