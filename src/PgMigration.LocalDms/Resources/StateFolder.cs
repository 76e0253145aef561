using System.Globalization;
using System.Text.Json;

namespace PgMigration.LocalDms;

/// <summary>The folder in which everything is that must survive this process. Passwords are in it: it is for its owner only.</summary>
internal sealed class StateFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private readonly string _path;
    private readonly Lock _logLock = new();

    /// <summary>Takes over a folder, and makes it where it is missing.</summary>
    public StateFolder(string path)
    {
        _path = path;
        foreach (string folder in (string[])[path, Path.Combine(path, "tasks")])
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
            }
            else
            {
                Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
            }
        }
    }

    /// <summary>The path of a file in it.</summary>
    public string this[string name] => Path.Combine(_path, name);

    /// <summary>The names of the tasks' files.</summary>
    public IEnumerable<string> TaskFiles => Directory.EnumerateFiles(this["tasks"], "*.json").Select(file => $"tasks/{Path.GetFileName(file)}");

    /// <summary>Reads a file; null when there is none.</summary>
    public T? Read<T>(string name)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(this[name]), Json);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Writes a file by rename: a kill leaves the old one or the new one.</summary>
    public void Write<T>(string name, T value)
    {
        string fresh = this[name] + ".new";
        using (var file = Open(fresh, FileMode.Create))
        {
            JsonSerializer.Serialize(file, value, Json);
        }

        File.Move(fresh, this[name], overwrite: true);
    }

    /// <summary>Removes a file.</summary>
    public void Remove(string name) => File.Delete(this[name]);

    /// <summary>Appends a line to a log.</summary>
    public void Log(string name, string line)
    {
        lock (_logLock)
        {
            using var file = new StreamWriter(Open(this[name], FileMode.Append));
            file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ss.fffZ} {line.ReplaceLineEndings(" ")}"));
        }
    }

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.Read };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return new FileStream(path, options);
    }
}
