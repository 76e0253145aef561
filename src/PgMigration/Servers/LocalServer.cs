using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>A PostgreSQL server on this machine, by its data directory: made, started and stopped as its OS user.</summary>
/// <param name="Binaries">The programs of its major version.</param>
/// <param name="DataDirectory">Its data directory, absolute.</param>
/// <param name="User">The OS user that owns the directory and runs the server.</param>
public sealed partial record LocalServer(PostgresBinaries Binaries, string DataDirectory, OSUser User)
{
    /// <summary>The name of the server's log within its data directory.</summary>
    public const string LogFileName = "server.log";

    /// <summary>The server's log, beside its data: read it when a start fails.</summary>
    public string LogFile => Path.Combine(DataDirectory, LogFileName);

    /// <summary>The process id of the running postmaster; null when it does not run.</summary>
    public int? ProcessId => ReadProcessId(DataDirectory);

    /// <summary>The process id of the postmaster that runs on a data directory; null when none does, or when it may not be read.</summary>
    public static int? ReadProcessId(string dataDirectory)
    {
        try
        {
            string? first = File.ReadLines(Path.Combine(dataDirectory, "postmaster.pid")).FirstOrDefault();
            return int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && IsAlive(pid) ? pid : null;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Makes a new cluster with initdb. The folder above the data directory must be reachable for the OS user.</summary>
    /// <param name="superuser">The name of the cluster's superuser.</param>
    /// <param name="cancel">Ends initdb.</param>
    /// <param name="arguments">More arguments, such as <c>--wal-segsize=1</c>.</param>
    public Task InitializeAsync(string superuser = "postgres", CancellationToken cancel = default, params IEnumerable<string> arguments) =>
        RunAsync("initdb", cancel, ["--pgdata", DataDirectory, "--username", superuser, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", .. arguments]);

    /// <summary>Starts the server and returns once it runs, or is ready to be asked whether it accepts connections.</summary>
    /// <param name="waitUntilReady">Wait until it accepts connections; a standby that is not consistent yet does not.</param>
    /// <param name="cancel">Ends the wait, not the server.</param>
    /// <exception cref="MigrationException"><c>ServerStartFailed</c> with the last lines of its log.</exception>
    public async Task StartAsync(bool waitUntilReady = true, CancellationToken cancel = default) =>
        await RunAsync("pg_ctl", cancel, ["start", "--pgdata", DataDirectory, "--log", LogFile, waitUntilReady ? "--wait" : "--no-wait", "--silent", "--timeout", "600"]);

    /// <summary>Stops the server if it runs, and returns once it is gone.</summary>
    /// <param name="mode"><c>fast</c> or <c>immediate</c>.</param>
    /// <param name="cancel">Ends the wait.</param>
    public async Task StopAsync(string mode = "fast", CancellationToken cancel = default)
    {
        if (ProcessId is not null)
        {
            await RunAsync("pg_ctl", cancel, ["stop", "--pgdata", DataDirectory, "--mode", mode, "--wait", "--silent", "--timeout", "600"]);
        }
    }

    /// <summary>Runs one of the programs as the OS user and returns what it printed.</summary>
    /// <exception cref="MigrationException"><c>ProgramFailed</c>, with the end of what it printed.</exception>
    public async Task<string> RunAsync(string program, CancellationToken cancel, params IEnumerable<string> arguments)
    {
        var start = User.Command(Binaries[program], arguments);
        start.WorkingDirectory = "/";
        start.RedirectStandardInput = true;
        start.Environment["LC_ALL"] = "C"; // their output is read
        InheritedSecrets.Remove(start, DataDirectory);

        // pg_ctl's server inherits our pipes: so wait for the program's own exit, not for the end of its output.
        bool leavesChild = program == "pg_ctl";
        start.RedirectStandardOutput = !leavesChild;
        start.RedirectStandardError = !leavesChild;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = leavesChild ? Task.FromResult(string.Empty) : process.StandardOutput.ReadToEndAsync(cancel);
        var errors = leavesChild ? Task.FromResult(string.Empty) : process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
        {
            string said = leavesChild ? TailOfLog() : (await errors + await output).Trim();
            throw new MigrationException(program == "pg_ctl" ? "ServerStartFailed" : "ProgramFailed", MigrationErrorKind.InvalidOperation,
                $"{program} ended with exit code {process.ExitCode.ToString(CultureInfo.InvariantCulture)} for {DataDirectory}: {said}");
        }

        return await output;
    }

    private static bool IsAlive(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited && process.ProcessName.StartsWith("postgres", StringComparison.Ordinal) && !IsZombie(pid); // the number may be another program's by now
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    // Where the first process of a container reaps orphans late or never, a killed server stays listed. proc(5): the state follows the name in parentheses.
    internal static bool IsZombie(int pid)
    {
        try
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return stat[(stat.LastIndexOf(')') + 2)..] is ['Z' or 'X', ..];
        }
        catch (IOException)
        {
            return false; // no such file system, or gone: the caller has asked for that
        }
    }

    private string TailOfLog() =>
        File.Exists(LogFile) ? string.Join(Environment.NewLine, File.ReadLines(LogFile).TakeLast(15)) : "it wrote no log";
}
