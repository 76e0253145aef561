namespace PgMigration.Wal;

/// <summary>Decides where an entry of a base backup goes, and refuses names that lead out of the data directory.</summary>
/// <remarks>
/// Names come from outside and are hostile: <c>..</c> is refused. No link of a backup is ever made, even one that stays inside: a later
/// entry could be written through it, onto a file whose name has a rule here. The links of tablespaces are made by us; one among
/// PostgreSQL's own data is refused, since the data is then not in the backup; others are left out (<see cref="LeftOutLinks"/>). A leading
/// slash is WAL-G's way of saying "the data directory". What a standby must make itself, and what belonged to the source's processes, is
/// left out.
/// </remarks>
public sealed class EntryPlacement
{
    /// <summary>What is appended to the source's own configuration files, kept beside ours.</summary>
    public const string SourceSuffix = ".from-source";

    private static readonly HashSet<string> SourceConfiguration = new(StringComparer.Ordinal)
    {
        "postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf",
    };

    private static readonly HashSet<string> LeftOutFiles = new(StringComparer.Ordinal)
    {
        "postmaster.pid", "postmaster.opts", "recovery.conf", "recovery.signal", "standby.signal", "promote", "current_logfiles",
    };

    // Without what lies here no server starts, or tables and transactions are missing. Source: "Database File Layout" in PostgreSQL's documentation.
    private static readonly HashSet<string> DataOfPostgres = new(StringComparer.Ordinal)
    {
        "base", "global", "pg_xact", "pg_clog", "pg_multixact", "pg_commit_ts", "pg_twophase", "pg_logical", "pg_tblspc", "PG_VERSION", "backup_label", "tablespace_map",
    };

    private readonly HashSet<string> _tablespaces;

    /// <summary>Placement into one data directory.</summary>
    /// <param name="tablespaces">The oids of the backup's tablespaces, whose links have been made.</param>
    public EntryPlacement(IEnumerable<string> tablespaces) => _tablespaces = new(tablespaces, StringComparer.Ordinal);

    /// <summary>The folders that backups leave out, and that must be there, empty, before the server starts.</summary>
    /// <remarks>Source: excludeDirContents in PostgreSQL's src/backend/backup/basebackup.c; log is a convention.</remarks>
    public static IReadOnlyList<string> EmptyFolders { get; } =
        ["pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans", "log"];

    /// <summary>Where an entry goes: a path relative to the data directory, or null for what is left out.</summary>
    /// <exception cref="MigrationException"><c>EntryNameHostile</c> or <c>TablespaceUnknown</c>.</exception>
    public string? Place(in TarEntry entry)
    {
        string[] parts = Parts(entry.Name);
        if (parts.Length == 0 || parts[0] == RestoreLayout.FolderName || LeftOut(parts, entry.Kind))
        {
            return null;
        }

        if (entry.Kind == TarEntryKind.SymbolicLink && parts is not ["pg_tblspc", _])
        {
            return !DataOfPostgres.Contains(parts[0]) ? null : throw new MigrationException("EntryNameHostile", MigrationErrorKind.InvalidData,
                $"The backup holds a link '{entry.Name}' to '{entry.LinkTarget}' in place of PostgreSQL's own data. What it pointed to is not in the backup, and through it a backup could write where it must not. This backup is not restored; choose another with -BackupName.");
        }

        if (parts is ["pg_tblspc", var oid, ..])
        {
            return !_tablespaces.Contains(oid) ? throw new MigrationException("TablespaceUnknown", MigrationErrorKind.InvalidData,
                    $"The backup holds '{entry.Name}', but does not say where tablespace {oid} lies. Give a folder for it: -TablespaceMapping @{{ '{oid}' = '/path' }}.")
                : parts.Length == 2 ? null : string.Join('/', parts);
        }

        return parts switch
        {
            [var file] when SourceConfiguration.Contains(file) => file + SourceSuffix,

            // without a slash it was made by the backup itself; with one it is an ordinary file of the data directory, which the former overrules
            ["backup_label"] => Held(entry.Name.StartsWith('/') ? HeldFiles.LabelOfDirectory : HeldFiles.Label),
            ["tablespace_map"] => Held(HeldFiles.TablespaceMap),
            ["global", "pg_control"] => Held(HeldFiles.Control),
            _ => string.Join('/', parts),
        };
    }

    /// <summary>Whether a name is that of a tablespace's link.</summary>
    internal static bool IsTablespaceLink(string name) => Parts(name) is ["pg_tblspc", _];

    /// <summary>The path of a link that nothing may pass through; null where entries are left out anyway, such as in pg_wal.</summary>
    internal static string? LinkPath(string name) =>
        Parts(name) is { Length: > 0 } parts && parts[0] != RestoreLayout.FolderName && !LeftOut(parts, TarEntryKind.SymbolicLink) ? string.Join('/', parts) : null;

    /// <summary>Whether a name may be listed by the backup and yet not be on disk: it may have been a link that was left out.</summary>
    internal static bool MayBeAbsent(string name) => MayBeAbsent(Parts(name));

    private static string Held(string name) => $"{RestoreLayout.FolderName}/{HeldFiles.FolderName}/{name}";

    private static string[] Parts(string name)
    {
        string[] parts = [.. name.Split('/').Where(part => part is not ("" or "."))];
        if (parts.Contains("..") || name.Contains('\0', StringComparison.Ordinal))
        {
            throw new MigrationException("EntryNameHostile", MigrationErrorKind.InvalidData,
                $"The backup holds an entry named '{name}', which leads out of the data directory. Nothing was written there; this backup cannot be trusted.");
        }

        return parts;
    }

    private static bool LeftOut(string[] parts, TarEntryKind kind) =>
        (parts.Length == 1 && LeftOutFiles.Contains(parts[0]))
        || (EmptyFolders.Contains(parts[0]) && (parts.Length > 1 || kind == TarEntryKind.SymbolicLink))
        || (parts is ["pg_xlog" or "pg_log", ..]);

    // Debian links certificates, and some link their configuration. We start without theirs.
    private static bool MayBeAbsent(string[] parts) => parts.Length == 1 && Path.GetExtension(parts[0]) is ".conf" or ".crt" or ".key" or ".pem" or ".crl";
}
