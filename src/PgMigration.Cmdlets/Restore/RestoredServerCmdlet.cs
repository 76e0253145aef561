using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>What the cmdlets on a restored server have in common: its data directory, named or by a piped link.</summary>
public abstract class RestoredServerCmdlet : MigrationCmdlet
{
    private protected const string Named = nameof(Named);
    private const string Piped = nameof(Piped);
    private const string Expected = "a link of a restored server, as Start-WalRestore and Get-WalRestore return it";

    /// <summary>The data directory that Start-WalRestore was given.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = Named)]
    public string? DataDirectory { get; set; }

    /// <summary>What is piped: the link that Start-WalRestore or Get-WalRestore returned; it names the data directory.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = Piped)]
    public PSObject? InputObject { get; set; }

    /// <summary>The full path of the data directory that is meant.</summary>
    /// <exception cref="MigrationException"><c>InputNotSupported</c>: what was piped is not a link of a restored server.</exception>
    protected string Directory() => Path.TrimEndingDirectorySeparator(ResolvePath(DataDirectory ?? OfLink(InputObject!)));

    // A backup has a DataDirectory too: that of the server it was taken of.
    private static string OfLink(PSObject input)
    {
        var piped = new PipedObject(input);
        bool isLink = piped.Live is WalLink || piped.IsBagOf<WalLink>() || (piped.Live is PSCustomObject && piped.Text(nameof(WalLink.Kind)) == "Wal");
        return !isLink ? throw piped.Refused(Expected) : piped.Text(nameof(WalLink.DataDirectory)) ?? throw piped.Lacking(nameof(WalLink.DataDirectory));
    }
}
