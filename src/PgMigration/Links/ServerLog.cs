using System.Globalization;
using System.Text.RegularExpressions;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>What the end of a standby's log says about its link. Its messages are in English: our configuration sets lc_messages.</summary>
/// <remarks>Sources: rescanLatestTimeLine, InitWalRecovery and RecoveryRequiresIntParameter in PostgreSQL's xlogrecovery.c.</remarks>
internal sealed partial record ServerLog
{
    private const int TailLength = 128 * 1024;

    /// <summary>The line that says that the archive went on along another timeline from a point before the replayed one.</summary>
    public string? Forked { get; private init; }

    /// <summary>The timeline that <see cref="Forked"/> is about.</summary>
    public uint? ForkedTimeline { get; private init; }

    /// <summary>The name of that timeline's history file.</summary>
    public string? ForkedHistory => ForkedTimeline is { } timeline ? TimelineHistory.FileName(timeline) : null;

    /// <summary>What to do about <see cref="Forked"/>: nobody here can tell a stray history from a source that has moved on.</summary>
    public string? ForkedRemedy => ForkedHistory is { } history
        ? $"If the source never was on that timeline, the history is a stray: remove {SegmentStore.Folder}{history} from the archive and pg_wal/{history} from the data directory. Otherwise restore anew from a backup of the source as it is now."
        : null;

    /// <summary>The line that says which setting is smaller than the source's.</summary>
    public string? InsufficientSettings { get; private init; }

    /// <summary>The last line of level ERROR, FATAL or PANIC.</summary>
    public string? LastError { get; private init; }

    /// <summary>The position of the last restored segment's line, for people; null when none was restored lately.</summary>
    public string? LastRestored { get; private init; }

    /// <summary>Reads the end of a log since the last start of the server; everything is null when there is none.</summary>
    public static ServerLog Read(string file)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            stream.Seek(-Math.Min(stream.Length, TailLength), SeekOrigin.End);
            using var reader = new StreamReader(stream);
            return Parse(reader.ReadToEnd().Split('\n'));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new ServerLog();
        }
    }

    internal static ServerLog Parse(IReadOnlyList<string> lines)
    {
        var log = new ServerLog();
        foreach (string line in lines)
        {
            log = line switch
            {
                _ when Has("starting PostgreSQL ") => new ServerLog(),
                _ when Has("forked off current database system timeline") && Has("before current recovery point") => log.WithFork(line),
                _ when Has("is not a child of database system timeline") => log.WithFork(line),
                _ when Has("is not a child of this server's history") => log.WithFork(line) with { LastError = Message(line) },
                _ when Has("insufficient parameter settings") || Has("lower setting than on the primary") => log with { InsufficientSettings = Message(line) },
                _ when Has("FATAL:  the database system is ") => log, // what our own attempts to connect leave there
                _ when Has("FATAL:") || Has("PANIC:") || Has("ERROR:") => log with { LastError = Message(line) },
                _ when Has("restored log file") => log with { LastRestored = Message(line) },
                _ => log,
            };

            bool Has(string text) => line.Contains(text, StringComparison.Ordinal);
        }

        return log;
    }

    private ServerLog WithFork(string line) => this with
    {
        Forked = Message(line),
        ForkedTimeline = TimelinePattern().Match(line) is { Success: true } match && uint.TryParse(match.Groups["number"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out uint timeline) ? timeline : null,
    };

    [GeneratedRegex(@"(new|requested) timeline (?<number>\d+) ", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex TimelinePattern();

    // "2026-11-23 09:00:00.123 UTC [42] LOG:  message"
    private static string Message(string line)
    {
        int at = line.IndexOf(":  ", StringComparison.Ordinal);
        return at < 0 ? line : line[(at + 3)..];
    }
}
