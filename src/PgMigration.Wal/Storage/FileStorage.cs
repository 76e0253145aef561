using System.IO.Enumeration;
using System.Runtime.CompilerServices;

namespace PgMigration.Wal;

/// <summary>An archive in a folder, in the layout of WAL-G's file storage.</summary>
public sealed class FileStorage : IArchiveStorage
{
    // Never listed: a name with it is a write that has not ended, or never will.
    private const string TemporarySuffix = ".pgmigration-tmp";
    private static readonly EnumerationOptions AllFiles = new() { AttributesToSkip = 0, IgnoreInaccessible = false };
    private readonly string _root;

    /// <summary>An archive in the folder of <paramref name="location"/>. Reading one that does not exist is an error; a write makes it.</summary>
    public FileStorage(ArchiveLocation location)
    {
        ArgumentNullException.ThrowIfNull(location);
        _root = location.Folder ?? throw new ArgumentException("The location is not a folder.", nameof(location));
        Url = location.Url;
    }

    /// <inheritdoc/>
    public string Url { get; }

    /// <inheritdoc/>
    public IEncryption Encryption { get; init; } = NoEncryption.Instance;

    /// <inheritdoc/>
    public async IAsyncEnumerable<ArchiveObject> ListAsync(string prefix, string? startAfter = null, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        await Task.CompletedTask;
        RequireRoot();
        int slash = prefix.LastIndexOf('/');
        string folder = prefix[..(slash + 1)];
        foreach (string name in Walk(FullPath(folder.TrimEnd('/')), folder, prefix, startAfter))
        {
            cancel.ThrowIfCancellationRequested();
            if (Describe(name, new FileInfo(Path.Combine(_root, name))) is { } found)
            {
                yield return found;
            }
        }
    }

    /// <inheritdoc/>
    public Task<ArchiveObject?> FindAsync(string name, CancellationToken cancel = default)
    {
        var found = Describe(name, new FileInfo(FullPath(name)));
        if (found is null)
        {
            RequireRoot();
        }

        return Task.FromResult(found);
    }

    /// <inheritdoc/>
    public Task<Stream> OpenReadAsync(string name, long offset = 0, CancellationToken cancel = default)
    {
        try
        {
            var file = new FileStream(FullPath(name), new FileStreamOptions
            {
                Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete,
                Options = FileOptions.SequentialScan, BufferSize = 0,
            });
            file.Position = offset;
            return Task.FromResult<Stream>(file);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            RequireRoot();
            throw ArchiveStorage.NotFound(Url, name, error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw Denied(name, "read", error);
        }
    }

    /// <inheritdoc/>
    public async Task WriteAsync(string name, Stream content, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        string path = FullPath(name);
        string temporary = $"{path}.{Guid.NewGuid():N}{TemporarySuffix}";
        try
        {
            string folder = Path.GetDirectoryName(path)!;
            Directory.CreateDirectory(folder);
            long written;
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.Asynchronous))
            {
                await content.CopyToAsync(file, 1 << 18, cancel);
                written = file.Position;
                file.Flush(flushToDisk: true);
            }

            long stored = new FileInfo(temporary).Length;
            if (stored != written)
            {
                throw new MigrationException("ArchiveWriteFailed", MigrationErrorKind.InvalidData, $"'{path}' was stored with {stored} bytes instead of {written}.");
            }

            File.Move(temporary, path, overwrite: true);
            DirectorySync.Flush(folder);
        }
        catch (UnauthorizedAccessException error)
        {
            throw Denied(name, "written", error);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string name, CancellationToken cancel = default)
    {
        try
        {
            File.Delete(FullPath(name));
        }
        catch (DirectoryNotFoundException)
        {
            // not there
        }

        return Task.CompletedTask;
    }

    /// <summary>Nothing is held open.</summary>
    public void Dispose()
    {
    }

    // In the order of full names: a folder sorts as its name with the slash. Folders that hold nothing wanted are not entered. Names alone are
    // read and sorted: an archive's folder may hold half a million of them, and only those that are wanted are looked at one by one.
    private static IEnumerable<string> Walk(string folder, string folderName, string prefix, string? startAfter)
    {
        string[] names;
        try
        {
            var entries = new FileSystemEnumerable<string>(folder, (ref FileSystemEntry entry) => string.Concat(folderName, entry.FileName, entry.IsDirectory ? "/" : string.Empty), AllFiles);
            names = [.. entries.Where(name => name.EndsWith('/') ? MayHold(name, prefix, startAfter) : IsWanted(name, prefix, startAfter))];
        }
        catch (DirectoryNotFoundException)
        {
            yield break;
        }

        Array.Sort(names, StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!name.EndsWith('/'))
            {
                yield return name;
                continue;
            }

            foreach (string inner in Walk(Path.Combine(folder, name[folderName.Length..^1]), name, prefix, startAfter))
            {
                yield return inner;
            }
        }
    }

    private static bool MayHold(string folder, string prefix, string? startAfter) =>
        (folder.StartsWith(prefix, StringComparison.Ordinal) || prefix.StartsWith(folder, StringComparison.Ordinal))
        && (startAfter is null || startAfter.StartsWith(folder, StringComparison.Ordinal) || string.CompareOrdinal(folder, startAfter) > 0);

    private static bool IsWanted(string name, string prefix, string? startAfter) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && !name.EndsWith(TemporarySuffix, StringComparison.Ordinal)
        && (startAfter is null || string.CompareOrdinal(name, startAfter) > 0);

    private static ArchiveObject? Describe(string name, FileInfo file) =>
        file.Exists ? new ArchiveObject(name, file.Length, new DateTimeOffset(file.LastWriteTimeUtc)) : null;

    // An archive whose disk is not mounted must not look like one that holds nothing more.
    private void RequireRoot()
    {
        if (!Directory.Exists(_root))
        {
            throw new MigrationException("ArchiveNotFound", MigrationErrorKind.NotFound, $"The archive's folder '{_root}' does not exist. Check the path, and whether its disk is mounted; make the folder if this is a new archive.");
        }
    }

    private string FullPath(string name) =>
        name.Length > 0 && (name.Contains('\\', StringComparison.Ordinal) || name.Split('/').Any(part => part is "" or "." or ".."))
            ? throw new MigrationException("ArchiveNameInvalid", MigrationErrorKind.InvalidArgument, $"'{name}' is not the name of an object in an archive: it must be relative, without '..'.")
            : Path.Combine(_root, name);

    private MigrationException Denied(string name, string what, Exception error) => new("ArchiveAccessDenied", MigrationErrorKind.PermissionDenied,
        $"'{FullPath(name)}' cannot be {what} by the user '{Environment.UserName}'. Change the folder's owner or mode.", error);
}
