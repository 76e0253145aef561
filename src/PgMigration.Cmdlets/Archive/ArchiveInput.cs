using System.Management.Automation;
using PgMigration.Wal;

namespace PgMigration.Cmdlets;

/// <summary>A piped backup, report or link, as far as it says where an archive lies, which backup is meant, and how the archive was reached.</summary>
/// <param name="Archive">The archive's address.</param>
/// <param name="BackupName">The backup.</param>
/// <param name="IsLink">Whether a link was piped: its backup is where it came from.</param>
internal sealed record ArchiveInput(string Archive, string BackupName, bool IsLink)
{
    private const string Backups = "a backup, as Get-WalBackup lists it, or what Test-WalArchive reported";
    private const string All = Backups + ", or a link of a restored server";

    /// <summary>How the live object was reached, keys included; null for a bag.</summary>
    public ArchiveAccess? Access { get; private init; }

    /// <summary>Whether a bag says how it was reached: then a missing endpoint means AWS itself.</summary>
    public bool KnowsEndpoint { get; private init; }

    /// <summary>The endpoint of a bag.</summary>
    public string? EndpointUrl { get; private init; }

    /// <summary>The region of a bag.</summary>
    public string? Region { get; private init; }

    /// <summary>The profile of a bag.</summary>
    public string? ProfileName { get; private init; }

    /// <summary>The path style of a bag.</summary>
    public bool? PathStyle { get; private init; }

    /// <summary>What can be piped, for errors and help.</summary>
    public static string Expected(bool takesLinks) => takesLinks ? All : Backups;

    /// <summary>Reads what was piped.</summary>
    /// <param name="input">The object.</param>
    /// <param name="takesLinks">Whether the cmdlet takes a link too.</param>
    /// <exception cref="MigrationException"><c>InputNotSupported</c>.</exception>
    public static ArchiveInput Read(PSObject input, bool takesLinks)
    {
        var piped = new PipedObject(input);
        return piped.Live switch
        {
            WalBackup backup => new ArchiveInput(backup.Archive, backup.Name, IsLink: false) { Access = backup.Access },
            WalArchiveReport report => new ArchiveInput(report.Archive, report.BackupName, IsLink: false) { Access = report.Access },
            WalLink { Archive.Length: > 0 } link when takesLinks => new ArchiveInput(link.Archive, link.BackupName, IsLink: true),
            _ when piped.IsBagOf<WalBackup>(nameof(WalBackup.Name), nameof(WalBackup.Archive), nameof(WalBackup.StartSegment)) => FromBag(piped, nameof(WalBackup.Name), isLink: false),
            _ when takesLinks && (piped.IsBagOf<WalLink>() || piped.Text(nameof(WalLink.Kind)) == "Wal") => FromBag(piped, nameof(WalLink.BackupName), isLink: true),
            _ when piped.IsBagOf<WalArchiveReport>(nameof(WalArchiveReport.BackupName), nameof(WalArchiveReport.Archive), nameof(WalArchiveReport.SegmentSize)) =>
                FromBag(piped, nameof(WalArchiveReport.BackupName), isLink: false),
            _ => throw piped.Refused(Expected(takesLinks)),
        };
    }

    private static ArchiveInput FromBag(PipedObject bag, string nameProperty, bool isLink) => new(
        bag.Text(nameof(WalBackup.Archive)) ?? throw bag.Lacking(nameof(WalBackup.Archive)), bag.Text(nameProperty) ?? throw bag.Lacking(nameProperty), isLink)
    {
        KnowsEndpoint = bag.Has(nameof(WalBackup.EndpointUrl)),
        EndpointUrl = bag.Text(nameof(WalBackup.EndpointUrl)),
        Region = bag.Text(nameof(WalBackup.Region)),
        ProfileName = bag.Text(nameof(WalBackup.ProfileName)),
        PathStyle = bool.TryParse(bag.Text(nameof(WalBackup.PathStyle)), out bool pathStyle) ? pathStyle : null,
    };
}
