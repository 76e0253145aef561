using System.Diagnostics;

namespace PgMigration;

/// <summary>A folder for throwaway servers, owned by the OS user that runs them, whoever runs this process.</summary>
/// <remarks>Sockets live in it too, so its path must be short: a socket's path holds at most 107 bytes (sockaddr_un).</remarks>
public sealed class WorkFolder
{
    private const int LongestSocketPath = 107;

    private WorkFolder(string path, OSUser user)
    {
        Path = path;
        User = user;
    }

    /// <summary>The folder, absolute.</summary>
    public string Path { get; }

    /// <summary>The OS user that owns it.</summary>
    public OSUser User { get; }

    /// <summary>Makes the folder.</summary>
    /// <param name="path">Where; it must not exist yet or be empty. Null for a fresh folder under the temp path.</param>
    /// <param name="user">Who is to own it.</param>
    /// <param name="cancel">Ends it before it began.</param>
    /// <exception cref="MigrationException"><c>WorkFolderNotEmpty</c>, <c>WorkFolderPathTooLong</c> or <c>WorkFolderNotWritable</c>.</exception>
    public static async Task<WorkFolder> CreateAsync(string? path, OSUser user, CancellationToken cancel = default)
    {
        string full = System.IO.Path.GetFullPath(path ?? System.IO.Path.Combine(System.IO.Path.GetTempPath(), "pgm-" + Guid.NewGuid().ToString("N")[..8]));
        string socket = System.IO.Path.Combine(full, "run", ".s.PGSQL.65535.lock");
        if (System.Text.Encoding.UTF8.GetByteCount(socket) > LongestSocketPath)
        {
            throw new MigrationException("WorkFolderPathTooLong", MigrationErrorKind.InvalidArgument,
                $"'{full}' is too long for the Unix sockets that its servers need; expected a folder of at most {LongestSocketPath - (socket.Length - full.Length)} bytes. Give a shorter -Path.");
        }

        if (File.Exists(full) || (Directory.Exists(full) && Directory.EnumerateFileSystemEntries(full).Any()))
        {
            throw new MigrationException("WorkFolderNotEmpty", MigrationErrorKind.InvalidOperation,
                $"'{full}' is not empty. Give a -Path that does not exist yet: everything in it is removed afterwards.");
        }

        var folder = new WorkFolder(full, user);
        await folder.MakeAsync(string.Empty, cancel);
        return folder;
    }

    /// <summary>The path of something in the folder.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes a folder in it (or the folder itself), open to its owner only.</summary>
    public async Task<string> MakeAsync(string name, CancellationToken cancel = default)
    {
        await RunAsync("mkdir", cancel, "-p", "-m", "0700", this[name]);
        return this[name];
    }

    /// <summary>Writes a file that only the owner can read: it may hold a secret.</summary>
    public async Task<string> WriteAsync(string name, string content, CancellationToken cancel = default)
    {
        // The owner makes the file, empty and closed to others; who can write into it then is the owner, or root.
        await RunAsync("install", cancel, "-m", "0600", "/dev/null", this[name]);
        await File.WriteAllTextAsync(this[name], content, cancel);
        return this[name];
    }

    /// <summary>Puts a copy of a program into it that its owner can run.</summary>
    public async Task<string> CopyProgramAsync(string name, string program, CancellationToken cancel = default)
    {
        await RunAsync("install", cancel, "-m", "0700", "/dev/null", this[name]);
        await using var source = File.OpenRead(program);
        await using var copy = new FileStream(this[name], FileMode.Open, FileAccess.Write);
        await source.CopyToAsync(copy, cancel);
        return this[name];
    }

    /// <summary>Removes the folder and all in it.</summary>
    public void Remove()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }

    private async Task RunAsync(string program, CancellationToken cancel, params string[] arguments)
    {
        var start = User.Command(program, arguments);
        start.WorkingDirectory = "/";
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        string said = await process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
        {
            throw new MigrationException("WorkFolderNotWritable", MigrationErrorKind.PermissionDenied,
                $"The OS user {User.Name} cannot write '{arguments[^1]}': {said.Trim()}. Give a -Path that this user can reach.");
        }
    }
}
