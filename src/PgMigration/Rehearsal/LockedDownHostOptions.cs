namespace PgMigration;

/// <summary>How a locked-down host is made.</summary>
public sealed record LockedDownHostOptions
{
    /// <summary>The PostgreSQL programs it runs on.</summary>
    public required PostgresBinaries Binaries { get; init; }

    /// <summary>Its archive_command, with PostgreSQL's <c>%p</c> and <c>%f</c>; it runs as the OS user in the data directory.</summary>
    public required string ArchiveCommand { get; init; }

    /// <summary>After how long the host archives a segment that is not full. What hosted databases use is about a minute.</summary>
    public TimeSpan ArchiveTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The size of its WAL segments, in megabytes: a power of two from 1 to 1024.</summary>
    public int SegmentMegabytes { get; init; } = 16;

    /// <summary>More lines for postgresql.conf, such as <c>wal_level = logical</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>A path as one word of an archive_command: the shell splits at spaces, and PostgreSQL fills in what begins with a percent sign.</summary>
    public static string Word(string path) =>
        $"'{path.Replace("'", @"'\''", StringComparison.Ordinal).Replace("%", "%%", StringComparison.Ordinal)}'";
}
