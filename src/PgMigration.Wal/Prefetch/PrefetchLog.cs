using System.Globalization;

namespace PgMigration.Wal;

/// <summary>The prefetcher's own log: lines with the time in UTC, bounded to two files of a few megabytes. No secret is ever written to it.</summary>
internal sealed class PrefetchLog(string file)
{
    private const long LargestFile = 4 * 1024 * 1024;
    private readonly Lock _writing = new();

    /// <summary>Appends a line. A log that cannot be written is no reason to stop fetching: then the line is lost.</summary>
    public void Write(string message)
    {
        lock (_writing)
        {
            try
            {
                if (File.Exists(file) && new FileInfo(file).Length > LargestFile)
                {
                    File.Move(file, file + ".1", overwrite: true);
                }

                File.AppendAllText(file, string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-dd HH:mm:ss.fff} [{Environment.ProcessId}] {message.ReplaceLineEndings(" ")}\n"));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
            }
        }
    }
}
