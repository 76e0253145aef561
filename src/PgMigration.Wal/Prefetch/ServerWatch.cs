namespace PgMigration.Wal;

/// <summary>Looks at the server whose prefetcher this is, by the files that PostgreSQL keeps in its data directory.</summary>
internal static class ServerWatch
{
    // Line 8 of postmaster.pid: "starting", "stopping", "ready   ", "standby " (LOCK_FILE_LINE_PM_STATUS in PostgreSQL's pidfile.h).
    private const int StatusLine = 7;
    private const int StartTimeLine = 2;

    /// <summary>Why the prefetcher of this data directory has no more to do; null while it has.</summary>
    public static string? ReasonToEnd(RestoreLayout layout)
    {
        if (!File.Exists(layout.RecordFile))
        {
            return "the data directory is gone, or is no restore any more";
        }

        return IsPromoted(layout.DataDirectory) ? "the server has been promoted" : null;
    }

    /// <summary>Which run of the server it is: the process id and the start time of its postmaster; null when none is known to run.</summary>
    public static string? ServerOf(RestoreLayout layout)
    {
        try
        {
            string[] lines = File.ReadAllLines(Path.Combine(layout.DataDirectory, "postmaster.pid"));
            return lines.Length > StartTimeLine ? lines[0] + " " + lines[StartTimeLine] : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsPromoted(string dataDirectory)
    {
        if (File.Exists(Path.Combine(dataDirectory, "standby.signal")) || File.Exists(Path.Combine(dataDirectory, "recovery.signal")))
        {
            return false;
        }

        try
        {
            string[] lines = File.ReadAllLines(Path.Combine(dataDirectory, "postmaster.pid"));
            return lines.Length > StatusLine && lines[StatusLine].Trim() == "ready";
        }
        catch (IOException)
        {
            return false;
        }
    }
}
