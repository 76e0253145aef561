using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>The prefetcher of one data directory: started already while the backup loads, stopped with the restore.</summary>
[SupportedOSPlatform("linux")]
internal sealed class PrefetcherProcess(RestoreLayout layout, OSUser user)
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);

    /// <summary>What it last said; null before it said anything.</summary>
    public PrefetchStatus? Status => PrefetchStatus.Read(layout);

    /// <summary>The process id of the one that runs for this data directory; null when none does.</summary>
    /// <remarks>A process id is reused sooner or later, so its command line must name the program and the directory.</remarks>
    public int? ProcessId => Status is { } status && IsOurs(status.ProcessId) ? status.ProcessId : null;

    /// <summary>Starts it unless it runs. It goes on when this process ends.</summary>
    /// <exception cref="MigrationException"><c>PrefetcherStartFailed</c>, with the end of its log.</exception>
    public async Task StartAsync(CancellationToken cancel)
    {
        var start = user.Command(Path.Combine(layout.DataDirectory, RestorePrograms.Fetch), "start", layout.DataDirectory);
        start.WorkingDirectory = layout.DataDirectory;
        start.RedirectStandardError = true;
        InheritedSecrets.Remove(start, layout.DataDirectory);
        using var process = Process.Start(start)!;
        string said = await process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
        {
            throw new MigrationException("PrefetcherStartFailed", MigrationErrorKind.InvalidOperation,
                $"The prefetcher of {layout.DataDirectory} did not start (exit code {process.ExitCode.ToString(CultureInfo.InvariantCulture)}): {said.Trim()} {TailOfLog()}".TrimEnd() + $" Its log is {layout.LogFile}.");
        }
    }

    /// <summary>Stops it if it runs, and returns once it is gone. Stop the server first: restore_command would start it again.</summary>
    public async Task StopAsync(CancellationToken cancel)
    {
        if (ProcessId is not { } pid)
        {
            return;
        }

        try
        {
            using var process = Process.GetProcessById(pid);
            using var ask = Process.Start(user.Command("kill", "-TERM", pid.ToString(CultureInfo.InvariantCulture)))!;
            await ask.WaitForExitAsync(cancel);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(StopLimit);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                process.Kill(); // all that it does is done by rename: nothing is left half
                await process.WaitForExitAsync(cancel);
            }
        }
        catch (ArgumentException)
        {
            // it ended by itself meanwhile
        }
    }

    private bool IsOurs(int pid)
    {
        try
        {
            string[] command = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline")).Split('\0');
            return command[0].EndsWith("pgmigration-walprefetch", StringComparison.Ordinal) && command.Contains(layout.DataDirectory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private string TailOfLog() => File.Exists(layout.LogFile) ? string.Join(' ', File.ReadLines(layout.LogFile).TakeLast(3)) : string.Empty;
}
