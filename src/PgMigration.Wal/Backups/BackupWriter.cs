using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PgMigration.Wal;

/// <summary>Takes a base backup of a running local cluster into an archive, in WAL-G's layout.</summary>
/// <remarks>
/// It reads the data directory alone. The two callbacks speak to the server, on one session that stays open between them:
/// PostgreSQL gives a backup up when the session that began it ends.
/// </remarks>
public sealed class BackupWriter
{
    private const string DateFormat = "%Y-%m-%dT%H:%M:%S.%fZ";

    private readonly IArchiveStorage _storage;
    private readonly string _dataDirectory;
    private readonly BackupWriterOptions _options;
    private readonly IMigrationObserver _observer;

    /// <summary>Prepares a backup; nothing is done yet.</summary>
    /// <param name="storage">The archive that it goes to; a folder must exist.</param>
    /// <param name="dataDirectory">The data directory of the running server, readable for this process.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="observer">Who watches; null for nobody.</param>
    public BackupWriter(IArchiveStorage storage, string dataDirectory, BackupWriterOptions? options = null, IMigrationObserver? observer = null)
    {
        _storage = storage;
        _dataDirectory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(dataDirectory));
        _options = options ?? new BackupWriterOptions();
        _observer = observer ?? IMigrationObserver.None;
    }

    /// <summary>Takes the backup. It counts as one only with its very last object, the sentinel.</summary>
    /// <param name="start">Runs pg_backup_start, and says what it returned.</param>
    /// <param name="stop">Runs pg_backup_stop on the same session, and says what it returned. Not called when the copying failed.</param>
    /// <param name="cancel">Ends it; what was stored so far is no backup, and the next one of that name removes it.</param>
    /// <exception cref="MigrationException"><c>NotADataDirectory</c>, <c>BackupExists</c>, or what the archive says.</exception>
    public async Task<WalBackup> WriteAsync(Func<CancellationToken, Task<BackupStart>> start, Func<CancellationToken, Task<BackupStop>> stop, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(stop);
        if (!File.Exists(Path.Combine(_dataDirectory, "PG_VERSION")))
        {
            throw new MigrationException("NotADataDirectory", MigrationErrorKind.InvalidArgument,
                $"'{_dataDirectory}' is not the data directory of a PostgreSQL cluster, or cannot be read by '{Environment.UserName}': it holds no PG_VERSION.");
        }

        var startTime = DateTimeOffset.UtcNow;
        var began = await start(cancel);
        var name = await ChooseNameAsync(began, cancel);
        string folder = $"{BackupCatalog.Folder}{name.Text}/";
        await RemoveLeftoversAsync(folder, cancel);

        var files = ClusterFiles.Walk(_dataDirectory, _observer, cancel);
        var parts = BackupPart.Deal(files.Found, _options.PartSize);
        long stored = await WritePartsAsync(name, folder, parts, cancel);
        var control = new BackupPart("pg_control.tar", []);
        stored += await WriteControlAsync(folder, control, cancel);

        var ended = await stop(cancel);
        var label = new BackupPart(BackupPart.NameOf(parts.Count + 1), []);
        stored += await WriteLabelAsync(folder, label, ended, files.Tablespaces.Count > 0, cancel);

        var sentinel = new BackupSentinel
        {
            StartLsn = began.StartLsn.Position, FinishLsn = ended.StopLsn.Position, PgVersion = began.PgVersion, SystemIdentifier = began.SystemIdentifier,
            UncompressedSize = files.Found.Sum(file => file.Length), CompressedSize = stored, DataCatalogSize = 0, FilesMetadataDisabled = false,
            Spec = BackupLists.Specification(_dataDirectory, files.Tablespaces),
            Version = 2, StartTime = startTime, FinishTime = DateTimeOffset.UtcNow, DateFormat = DateFormat,
            Hostname = _options.Hostname, DataDirectory = _dataDirectory, IsPermanent = _options.IsPermanent,
        };
        await _storage.WriteEncodedAsync(folder + "files_metadata.json", Codec.None, (stream, token) => BackupLists.WriteFilesAsync(stream, [.. parts, label, control], token), cancel);
        await WriteJsonAsync(folder + "metadata.json", MetadataOf(sentinel), BackupJson.Default.BackupMetadata, cancel);

        string sentinelName = BackupCatalog.Folder + name.Text + BackupCatalog.SentinelSuffix;
        await WriteJsonAsync(sentinelName, sentinel, BackupJson.Default.BackupSentinel, cancel);
        var found = await _storage.FindAsync(sentinelName, cancel) ?? throw ArchiveStorage.NotFound(_storage.Url, sentinelName);
        return await BackupReader.ReadAsync(_storage, name, found, cancel);
    }

    // Two backups may start in one segment: WAL-G then adds the offset, in hexadecimal.
    private async Task<BackupName> ChooseNameAsync(BackupStart began, CancellationToken cancel)
    {
        var segment = WalSegmentName.Containing(began.Timeline, began.StartLsn, began.SegmentSize);
        long offset = began.StartLsn - segment.Start(began.SegmentSize);
        foreach (string text in (string[])[$"base_{segment}", string.Create(CultureInfo.InvariantCulture, $"base_{segment}_{offset:X8}")])
        {
            if (await _storage.FindAsync(BackupCatalog.Folder + text + BackupCatalog.SentinelSuffix, cancel) is null)
            {
                return BackupName.TryParse(text)!;
            }
        }

        throw new MigrationException("BackupExists", MigrationErrorKind.InvalidOperation, $"{_storage.Url} already holds a backup that starts at {began.StartLsn}. Take another one later.");
    }

    private async Task RemoveLeftoversAsync(string folder, CancellationToken cancel)
    {
        await foreach (var leftover in _storage.ListAsync(folder, cancel: cancel))
        {
            await _storage.DeleteAsync(leftover.Name, cancel);
        }
    }

    private async Task<long> WritePartsAsync(BackupName name, string folder, List<BackupPart> parts, CancellationToken cancel)
    {
        long total = parts.Sum(part => part.Files.Sum(file => file.Length));
        long done = 0;
        long stored = 0;
        string activity = $"Backing up to {name.Text}";
        var options = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, _options.Parallelism), CancellationToken = cancel };
        await Parallel.ForEachAsync(parts, options, async (part, token) =>
            Interlocked.Add(ref stored, await WritePartAsync(folder, part, (stream, inner) => part.WriteAsync(stream, bytes =>
            {
                long now = Interlocked.Add(ref done, bytes);
                _observer.Progress(new MigrationProgress(activity, $"{now >> 20} of {total >> 20} MB") { Percent = total == 0 ? null : (int)(now * 100 / total) });
            }, inner), token)));
        _observer.Progress(new MigrationProgress(activity, "done") { Completed = true });
        return stored;
    }

    // Read in one piece, twice: a checkpoint may be writing it.
    private Task<long> WriteControlAsync(string folder, BackupPart part, CancellationToken cancel) => WritePartAsync(folder, part, async (stream, token) =>
    {
        string path = Path.Combine(_dataDirectory, "global", "pg_control");
        byte[] content = await File.ReadAllBytesAsync(path, token);
        for (byte[] before = []; !content.AsSpan().SequenceEqual(before); content = await File.ReadAllBytesAsync(path, token))
        {
            before = content;
        }

        var tar = new TarWriter(stream);
        using var bytes = new MemoryStream(content, writable: false);
        await tar.AddFileAsync("/global/pg_control", bytes, content.Length, UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetLastWriteTimeUtc(path), token);
        await tar.CompleteAsync(token);
        part.Written.Enqueue(("/global/pg_control", File.GetLastWriteTimeUtc(path)));
    }, cancel);

    // A small last part; its names are without the slash, and so overrule a label that lay in the data directory.
    private Task<long> WriteLabelAsync(string folder, BackupPart part, BackupStop ended, bool withTablespaces, CancellationToken cancel) => WritePartAsync(folder, part, async (stream, token) =>
    {
        var tar = new TarWriter(stream);
        await AddAsync("backup_label", ended.Label);
        if (withTablespaces)
        {
            await AddAsync("tablespace_map", ended.TablespaceMap);
        }

        await tar.CompleteAsync(token);

        async Task AddAsync(string entryName, string text)
        {
            await tar.AddTextAsync(entryName, text, token);
            part.Written.Enqueue((entryName, DateTimeOffset.UtcNow));
        }
    }, cancel);

    private Task<long> WritePartAsync(string folder, BackupPart part, Func<Stream, CancellationToken, Task> write, CancellationToken cancel) =>
        _storage.WriteEncodedAsync($"{folder}tar_partitions/{part.Name}", _options.Codec, write, cancel);

    private Task WriteJsonAsync<T>(string name, T value, JsonTypeInfo<T> type, CancellationToken cancel) =>
        _storage.WriteAsync(name, new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(value, type)), cancel);

    private static BackupMetadata MetadataOf(BackupSentinel sentinel) => new()
    {
        StartTime = sentinel.StartTime, FinishTime = sentinel.FinishTime, DateFormat = DateFormat, Hostname = sentinel.Hostname, DataDirectory = sentinel.DataDirectory,
        PgVersion = sentinel.PgVersion, StartLsn = sentinel.StartLsn, FinishLsn = sentinel.FinishLsn, IsPermanent = sentinel.IsPermanent,
        SystemIdentifier = sentinel.SystemIdentifier, UncompressedSize = sentinel.UncompressedSize, CompressedSize = sentinel.CompressedSize,
    };
}
