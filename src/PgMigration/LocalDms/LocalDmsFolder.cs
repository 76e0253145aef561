using System.Text.Json;

namespace PgMigration;

/// <summary>The folder of a local DMS, as far as whoever starts and stops it needs to know it.</summary>
/// <param name="Path">The folder, absolute.</param>
internal sealed record LocalDmsFolder(string Path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>What it is started with, its secrets among it.</summary>
    public string StartFile => System.IO.Path.Combine(Path, "start.json");

    /// <summary>What the running process says of itself.</summary>
    public string RunningFile => System.IO.Path.Combine(Path, "running.json");

    /// <summary>Its log.</summary>
    public string LogFile => System.IO.Path.Combine(Path, "local-dms.log");

    private string LockFile => System.IO.Path.Combine(Path, "lock");

    /// <summary>Whether a process holds the folder. One that was killed does not, whatever it said of itself before.</summary>
    public bool IsHeld
    {
        get
        {
            try
            {
                using var file = new FileStream(LockFile, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                return false;
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return false;
            }
            catch (IOException)
            {
                return true;
            }
        }
    }

    /// <summary>Makes the folder, for its owner only.</summary>
    /// <exception cref="MigrationException"><c>LocalDmsFolderNotEmpty</c>: it holds something else.</exception>
    public void Make()
    {
        if (Directory.Exists(Path) && !File.Exists(StartFile) && Directory.EnumerateFileSystemEntries(Path).Any())
        {
            throw new MigrationException("LocalDmsFolderNotEmpty", MigrationErrorKind.InvalidOperation,
                $"'{Path}' holds files that are not a local DMS's. Give a -Path that does not exist yet, or that Start-LocalDms made.");
        }

        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Path);
        }
        else
        {
            Directory.CreateDirectory(Path, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    /// <summary>What it was last started with; null when it never was.</summary>
    /// <exception cref="MigrationException"><c>LocalDmsFolderUnreadable</c>.</exception>
    public LocalDmsStart? ReadStart() => Read<LocalDmsStart>(StartFile);

    /// <summary>What the running process says of itself.</summary>
    /// <exception cref="MigrationException"><c>LocalDmsFolderUnreadable</c>.</exception>
    public LocalDmsProcess? ReadRunning() => Read<LocalDmsProcess>(RunningFile);

    /// <summary>Writes what it is started with, for its owner only, by rename.</summary>
    public void WriteStart(LocalDmsStart start)
    {
        string fresh = StartFile + ".new";
        File.Delete(fresh);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var file = new FileStream(fresh, options))
        {
            JsonSerializer.Serialize(file, start);
        }

        File.Move(fresh, StartFile, overwrite: true);
    }

    private static T? Read<T>(string file)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(file));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is JsonException or UnauthorizedAccessException)
        {
            throw new MigrationException("LocalDmsFolderUnreadable", MigrationErrorKind.InvalidData,
                $"'{file}' cannot be read: {error.GetType().Name}. Expected what Start-LocalDms wrote; remove the folder if it is of no use any more.", error);
        }
    }
}
