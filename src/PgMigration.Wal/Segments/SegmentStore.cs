using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace PgMigration.Wal;

/// <summary>The WAL of an archive: lists it, and fetches single files so that each is whole, checked, and there at once or not at all.</summary>
public sealed class SegmentStore
{
    /// <summary>The folder of the archive that holds the WAL.</summary>
    public const string Folder = "wal_005/";

    // A history file has a line for each promotion: even this is absurd.
    internal const int MaximumHistory = 1 << 20;
    private const int BufferSize = 256 * 1024;

    private readonly IArchiveStorage _storage;
    private readonly SegmentCheck _check;

    /// <summary>The WAL of one cluster in an archive.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="check">What every segment must satisfy.</param>
    public SegmentStore(IArchiveStorage storage, SegmentCheck check)
    {
        _storage = storage;
        _check = check;
    }

    /// <summary>Whether fetched files are flushed to disk before they get their names.</summary>
    public bool FlushesToDisk { get; init; } = true;

    /// <summary>Lists what WAL is there, in the order of names. One file may be there under two extensions; other objects are left out.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="after">A name as PostgreSQL has it: only what comes after that segment; null for all.</param>
    /// <param name="cancel">Ends the listing.</param>
    public static async IAsyncEnumerable<WalObject> ListAsync(IArchiveStorage storage, string? after = null, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(storage);
        await foreach (var found in storage.ListAsync(Folder, after is null ? null : $"{Folder}{after}.~", cancel)) // '~' is greater than any extension
        {
            if (WalObject.Of(found) is { } wal)
            {
                yield return wal;
            }
        }
    }

    /// <summary>Looks for a file by the name that PostgreSQL asks for, whatever its codec, with one request; null when it is not there.</summary>
    /// <remarks>Of several objects that hold it, the one to read first.</remarks>
    public static async Task<WalObject?> FindAsync(IArchiveStorage storage, string name, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(storage);
        WalObject? best = null;
        await foreach (var found in storage.ListAsync(Folder + name, cancel: cancel))
        {
            if (WalObject.Of(found) is { } wal && wal.Name == name && wal.IsBetterThan(best))
            {
                best = wal;
            }
        }

        return best;
    }

    /// <summary>Fetches a file by the name that PostgreSQL asks for; false when the archive does not hold it.</summary>
    /// <param name="name">A segment's name, or one with <c>.history</c>, <c>.partial</c>, <c>.backup</c>.</param>
    /// <param name="path">Where it is put, whole and checked, by rename.</param>
    /// <param name="history">The history of the segment's timeline, if known.</param>
    /// <param name="cancel">Ends it; nothing is left.</param>
    /// <exception cref="MigrationException">
    /// <c>SegmentTruncated</c>, <c>SegmentDamaged</c>, <c>SegmentForeign</c>, <c>HistoryInvalid</c>, <c>CodecNotSupported</c>, <c>ArchiveUnreachable</c>.
    /// </exception>
    public async Task<bool> FetchAsync(string name, string path, TimelineHistory? history = null, CancellationToken cancel = default)
    {
        if (await FindAsync(_storage, name, cancel) is not { } found)
        {
            return false;
        }

        await FetchAsync(found, path, history, cancel);
        return true;
    }

    /// <summary>Fetches an object that a listing showed.</summary>
    /// <inheritdoc cref="FetchAsync(string, string, TimelineHistory?, CancellationToken)"/>
    public Task FetchAsync(WalObject found, string path, TimelineHistory? history = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(found);
        return FetchAsync(found.Name, found.Object.Name, path, history, cancel);
    }

    /// <summary>Reads a timeline's history; null when the archive holds none (timeline 1 has none).</summary>
    /// <exception cref="MigrationException"><c>HistoryInvalid</c>.</exception>
    public async Task<TimelineHistory?> ReadHistoryAsync(uint timeline, CancellationToken cancel = default)
    {
        if (timeline == 1)
        {
            return TimelineHistory.First();
        }

        if (await FindAsync(_storage, TimelineHistory.FileName(timeline), cancel) is not { } found)
        {
            return null;
        }

        var content = new MemoryStream();
        await CopyAsync(found.Object.Name, content, MaximumHistory, _ => { }, cancel);
        return TimelineHistory.Parse(timeline, Encoding.UTF8.GetString(content.GetBuffer(), 0, (int)content.Length));
    }

    private async Task FetchAsync(string name, string objectName, string path, TimelineHistory? history, CancellationToken cancel)
    {
        string partial = path + ".fetching";
        try
        {
            await using (var file = NewFile(partial))
            {
                await CopyCheckedAsync(name, objectName, file, history, cancel);
                if (FlushesToDisk)
                {
                    file.Flush(flushToDisk: true);
                }
            }

            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private async Task CopyCheckedAsync(string name, string objectName, Stream destination, TimelineHistory? history, CancellationToken cancel)
    {
        string segmentName = name.EndsWith(".partial", StringComparison.Ordinal) ? name[..^".partial".Length] : name;
        if (WalSegmentName.TryParse(segmentName, out var segment))
        {
            // one byte more than a segment is enough to know that it is too long
            long length = await CopyAsync(objectName, destination, _check.SegmentSize,
                first => _check.VerifyHeader(objectName, segment, first.Span, history), cancel);
            _check.VerifyLength(objectName, length);
            return;
        }

        bool isHistory = TimelineHistory.TryParseFileName(name, out uint timeline);
        var content = new MemoryStream();
        await CopyAsync(objectName, content, MaximumHistory, _ => { }, cancel);
        if (isHistory)
        {
            _ = TimelineHistory.Parse(timeline, Encoding.UTF8.GetString(content.GetBuffer(), 0, (int)content.Length));
        }

        content.Position = 0;
        await content.CopyToAsync(destination, cancel);
    }

    private async Task<long> CopyAsync(string objectName, Stream destination, int limit, Action<ReadOnlyMemory<byte>> first, CancellationToken cancel)
    {
        try
        {
            await using var decoded = await _storage.OpenDecodedAsync(objectName, cancel);
            byte[] buffer = new byte[BufferSize];
            long copied = 0;
            int read;
            while ((read = await decoded.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel)) > 0)
            {
                if (copied == 0)
                {
                    first(buffer.AsMemory(0, read));
                }

                copied += read;
                if (copied > limit)
                {
                    throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"It holds more than {limit} bytes."));
                }

                await destination.WriteAsync(buffer.AsMemory(0, read), cancel);
            }

            return copied;
        }
        catch (InvalidDataException error)
        {
            throw new MigrationException("SegmentDamaged", MigrationErrorKind.InvalidData,
                $"{_storage.Url}/{objectName} is damaged: {error.Message} Get it anew from whatever archived it.", error);
        }
    }

    private static FileStream NewFile(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite; // as PostgreSQL makes them
        }

        return new FileStream(path, options);
    }
}
