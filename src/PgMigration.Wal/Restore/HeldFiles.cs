namespace PgMigration.Wal;

/// <summary>The files without which no server starts on a restored directory: held back, and put in place when everything else is on disk.</summary>
/// <param name="layout">The directory's layout.</param>
internal sealed class HeldFiles(RestoreLayout layout)
{
    private const long LongestLabel = 1 << 20;

    /// <summary>The folder in which they wait.</summary>
    public const string FolderName = "held";

    /// <summary>The label that the backup wrote.</summary>
    public const string Label = "backup_label";

    /// <summary>A label that lay in the data directory (WAL-E, and exclusive backups).</summary>
    public const string LabelOfDirectory = "backup_label.directory";

    /// <summary>Where the source's tablespaces lay.</summary>
    public const string TablespaceMap = "tablespace_map";

    /// <summary>The cluster's control file.</summary>
    public const string Control = "pg_control";

    /// <summary>Checks that the backup's control file is of the cluster that its WAL is of.</summary>
    /// <remarks>Its first eight bytes are the system identifier, in the byte order of the machine (ControlFileData in pg_control.h).</remarks>
    /// <exception cref="MigrationException"><c>BackupForeign</c>.</exception>
    public static void CheckControl(RestoreLayout layout, string backupName, ulong? systemIdentifier)
    {
        string path = Path.Combine(layout.Folder, FolderName, Control);
        if (systemIdentifier is not { } expected || !File.Exists(path))
        {
            return;
        }

        Span<byte> head = stackalloc byte[sizeof(ulong)];
        using (var file = File.OpenRead(path))
        {
            file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        }

        ulong found = BitConverter.ToUInt64(head);
        if (found != expected)
        {
            throw new MigrationException("BackupForeign", MigrationErrorKind.InvalidData, string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"The control file in {backupName} is of the cluster {found}, and its WAL is of the cluster {expected}: they do not belong together. No server was started from {layout.DataDirectory}; choose another backup with -BackupName, and an empty directory."));
        }
    }

    /// <summary>The text of the label that counts.</summary>
    /// <exception cref="MigrationException"><c>BackupIncomplete</c>: without a label PostgreSQL would begin to replay at the wrong place, and call it consistent.</exception>
    public string ReadLabel()
    {
        string label = ExistingLabel() ?? throw Missing("backup_label");
        long length = new FileInfo(label).Length;
        return length <= LongestLabel ? File.ReadAllText(label) : throw new MigrationException("BackupLabelInvalid", MigrationErrorKind.InvalidData,
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The backup_label for {layout.DataDirectory} has {length} bytes. Expected a few lines of text; choose another backup with -BackupName, and an empty directory."));
    }

    /// <summary>Puts the label and then pg_control in place; from here on a server can start.</summary>
    /// <remarks>
    /// The tablespace_map is kept away from PostgreSQL: the links are made already, to where the user wants them, and from the map
    /// it would make them anew, to where they were on the source. Safe to do again after a kill between the two.
    /// </remarks>
    public void PutInPlace()
    {
        string control = Path.Combine(layout.DataDirectory, "global", Control);
        string label = Path.Combine(layout.DataDirectory, "backup_label");
        if (!File.Exists(In(Control)) && !File.Exists(control))
        {
            throw Missing("global/pg_control");
        }

        if (ExistingLabel() is { } held)
        {
            File.Move(held, label, overwrite: true);
        }
        else if (!File.Exists(label))
        {
            throw Missing("backup_label");
        }

        DirectorySync.Flush(layout.DataDirectory);
        if (File.Exists(In(Control)))
        {
            File.Move(In(Control), control, overwrite: true);
            DirectorySync.Flush(Path.GetDirectoryName(control)!);
        }
    }

    private string In(string name) => Path.Combine(layout.Folder, FolderName, name);

    private string? ExistingLabel() =>
        File.Exists(In(Label)) ? In(Label) : File.Exists(In(LabelOfDirectory)) ? In(LabelOfDirectory) : null;

    private MigrationException Missing(string name) => new("BackupIncomplete", MigrationErrorKind.InvalidData,
        $"The backup for {layout.DataDirectory} holds no {name}, without which no server can be started from it. Choose another backup with -BackupName.");
}
