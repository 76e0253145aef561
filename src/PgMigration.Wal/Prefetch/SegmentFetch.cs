using System.Buffers;

namespace PgMigration.Wal;

/// <summary>Brings one segment from the archive: downloads, decodes and checks it on the way to a temporary file of the pool.</summary>
internal static class SegmentFetch
{
    private const int ChunkSize = 1 << 18;

    /// <summary>Writes the segment to a file. Returns the checksum of its content. On any error the file is removed.</summary>
    /// <param name="view">The archive.</param>
    /// <param name="objectName">The segment's object.</param>
    /// <param name="name">The segment's name.</param>
    /// <param name="record">What the segment must agree with.</param>
    /// <param name="file">Where to write.</param>
    /// <param name="progress">What is told of it; null when nobody asks.</param>
    /// <param name="cancel">Ends the download.</param>
    /// <exception cref="MigrationException">
    /// Kind InvalidData: truncated, altered, of another cluster. ResourceUnavailable: the pool cannot be written. Others: the archive's.
    /// </exception>
    public static async Task<uint> RunAsync(ArchiveView view, string objectName, WalSegmentName name, RestoreRecord record, string file, FetchProgress? progress, CancellationToken cancel)
    {
        var check = new SegmentCheck(record.SystemIdentifier, record.SegmentSize, record.MajorVersion);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            await using var segment = await view.Storage.OpenDecodedAsync(objectName, cancel);
            using var output = OpenOutput(file, record.SegmentSize);
            long length = 0;
            uint checksum = 0;
            WalRecordCheck? records = null;
            int count;
            while ((count = await segment.ReadAtLeastAsync(chunk.AsMemory(0, ChunkSize), ChunkSize, throwOnEndOfStream: false, cancel)) > 0)
            {
                if (length == 0)
                {
                    check.VerifyHeader(objectName, name, chunk.AsSpan(0, count), view.HistoryOf(name.Timeline));
                    records = segment is IChecksummed { HasChecksum: true } ? null : new WalRecordCheck();
                }

                if (length + count > record.SegmentSize)
                {
                    check.VerifyLength(objectName, length + count); // do not write on: it throws
                }

                records?.Append(chunk.AsSpan(0, count));
                checksum = SegmentChecksum.Append(checksum, chunk.AsSpan(0, count));
                Write(output, chunk.AsSpan(0, count), length, file);
                length += count;
                progress?.Note();
            }

            check.VerifyLength(objectName, length);
            if (records is null && segment is not IChecksummed { HasChecksum: true })
            {
                VerifyRecords(file, chunk); // its first frame had a checksum, and a later one has none
            }

            return checksum;
        }
        catch (InvalidDataException error)
        {
            File.Delete(file);
            throw new MigrationException("SegmentDamaged", MigrationErrorKind.InvalidData,
                $"'{objectName}' is damaged: {error.Message} Put a good copy of it into the archive; it is looked at again every few seconds.", error);
        }
        catch
        {
            File.Delete(file);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private static void VerifyRecords(string file, byte[] chunk)
    {
        var records = new WalRecordCheck();
        using var written = new FileStream(file, new FileStreamOptions { Access = FileAccess.Read, Mode = FileMode.Open, Share = FileShare.ReadWrite, BufferSize = 0 });
        int count;
        while ((count = written.ReadAtLeast(chunk.AsSpan(0, ChunkSize), ChunkSize, throwOnEndOfStream: false)) > 0)
        {
            records.Append(chunk.AsSpan(0, count));
        }
    }

    private static Microsoft.Win32.SafeHandles.SafeFileHandle OpenOutput(string file, long length)
    {
        try
        {
            return File.OpenHandle(file, FileMode.Create, FileAccess.Write, preallocationSize: length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(file, error);
        }
    }

    private static void Write(Microsoft.Win32.SafeHandles.SafeFileHandle output, ReadOnlySpan<byte> bytes, long position, string file)
    {
        try
        {
            RandomAccess.Write(output, bytes, position);
        }
        catch (IOException error)
        {
            throw Unwritable(file, error);
        }
    }

    private static MigrationException Unwritable(string file, Exception cause) => new("PoolUnwritable", MigrationErrorKind.ResourceUnavailable,
        $"'{file}' cannot be written: {cause.Message} Make room on the data directory's disk; it is tried again every few seconds.", cause);
}
