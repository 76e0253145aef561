using System.Globalization;
using System.Text;

namespace PgMigration;

/// <summary>The configuration of a restored server: our own, since the source's names paths, libraries and certificates that are not here.</summary>
internal sealed record StandbyConfiguration
{
    /// <summary>The name of the map in pg_ident.conf.</summary>
    public const string MapName = "pgmigration";

    private const long Megabyte = 1024 * 1024;

    /// <summary>The major version, which decides what settings there are.</summary>
    public required int MajorVersion { get; init; }

    /// <summary>Settings that must be at least the source's, with its values.</summary>
    public required IReadOnlyDictionary<string, long> Minimums { get; init; }

    /// <summary>The cluster's segment size in bytes.</summary>
    public required int SegmentSize { get; init; }

    /// <summary>The port.</summary>
    public required int Port { get; init; }

    /// <summary>The folder of the socket.</summary>
    public required string SocketFolder { get; init; }

    /// <summary>The restore_command.</summary>
    public required string RestoreCommand { get; init; }

    /// <summary>Networks whose clients may log in.</summary>
    public IReadOnlyList<string> AllowFrom { get; init; } = [];

    /// <summary>Bytes of data, which shared memory need not exceed.</summary>
    public long DataSize { get; init; }

    /// <summary>The certificate and key relative to the data directory; null for no TLS.</summary>
    public (string Certificate, string Key)? Tls { get; init; }

    /// <summary>What postgresql.conf says.</summary>
    public string Settings()
    {
        var text = new StringBuilder("""
            # Written by PgMigration for a server that was restored from a WAL archive and follows it.
            # Change settings with ALTER SYSTEM: this file is written anew when the restore is run again.
            # The source's own files lie beside this one, with the ending .from-source.

            """);
        foreach (var (name, value) in Lines())
        {
            text.Append(name).Append(" = ").AppendLine(value);
        }

        return text.ToString();
    }

    /// <summary>What pg_hba.conf says: root and the server's OS user by the socket, all others with their password.</summary>
    /// <remarks>The method md5 takes both kinds of stored passwords, and asks scram of those that are stored so.</remarks>
    public string Rules() => $"""
        # Written by PgMigration. The socket lets in who pg_ident.conf lists; networks need the passwords that came with the data.
        local all all peer map={MapName}
        host all all 127.0.0.1/32 md5
        host all all ::1/128 md5
        {string.Concat(AllowFrom.Select(network => $"host all all {network} md5\n"))}
        """;

    /// <summary>A value in quotes. In this file a quote is doubled and a backslash begins an escape (guc-file.l).</summary>
    internal static string Quote(string value) =>
        $"'{value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";

    private IEnumerable<(string Name, string Value)> Lines()
    {
        yield return ("listen_addresses", AllowFrom.Count == 0 ? "'localhost'" : "'*'");
        yield return ("port", Number(Port));
        yield return ("unix_socket_directories", Quote(SocketFolder));
        foreach (var (name, value) in Minimums.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            yield return (name, Number(value));
        }

        yield return ("shared_buffers", $"{Number(SharedBuffers() / Megabyte)}MB");
        yield return ("max_wal_size", $"{Number(Math.Max(4096, 4L * SegmentSize / Megabyte))}MB");
        yield return ("min_wal_size", $"{Number(Math.Max(80, 2L * SegmentSize / Megabyte))}MB"); // with less than two segments no server starts
        yield return ("checkpoint_timeout", "15min");
        yield return ("wal_level", "logical"); // of no effect while it follows; a second leg (DMS, publications) needs it without a restart
        yield return ("hot_standby", "on");
        yield return ("restore_command", Quote(RestoreCommand));
        yield return ("recovery_target_timeline", "'latest'");

        // The pause after a restore_command that found nothing. With the default of 5 s it would be most of a cutover's downtime;
        // ours waits for the next segment by itself, so a short pause costs nothing.
        yield return ("wal_retrieve_retry_interval", "'100ms'");
        if (MajorVersion >= 15)
        {
            // Looking ahead, replay asks for the next segment before it has applied what it has already read of this one; and our
            // restore_command waits for that segment. Seen: ten seconds until the last records of an archive were applied.
            yield return ("recovery_prefetch", "off");
        }

        if (MajorVersion >= 14)
        {
            // Before the first replay the server flushes the whole data directory, file by file: hours for a million files.
            yield return ("recovery_init_sync_method", "syncfs");
        }

        yield return ("archive_mode", "off");
        yield return ("password_encryption", "'scram-sha-256'");
        yield return ("log_line_prefix", "'%m [%p] %q%u@%d '");
        yield return ("log_checkpoints", "on");
        yield return ("log_timezone", "'UTC'");
        yield return ("lc_messages", "'C'"); // the state of a link is read from these messages
        if (Tls is { } tls)
        {
            yield return ("ssl", "on");
            yield return ("ssl_cert_file", Quote(tls.Certificate));
            yield return ("ssl_key_file", Quote(tls.Key));
        }
    }

    /// <summary>A quarter of what memory there is, at most 8 GB, and no more than the data.</summary>
    private long SharedBuffers() =>
        Math.Max(128 * Megabyte, Math.Min(Math.Min(8192 * Megabyte, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4), DataSize));

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
