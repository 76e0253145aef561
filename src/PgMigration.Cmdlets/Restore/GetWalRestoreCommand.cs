using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Finds a restored server in a new session: the link that Start-WalRestore returned.</summary>
/// <remarks>Runs on the machine of the data directory, as a user who may read it. The source's secret is stored nowhere: give -Source anew.</remarks>
/// <example>
/// <code>Get-WalRestore -DataDirectory /data/pg -Source $env:DATABASE_URL</code>
/// <para>The link, with its source.</para>
/// </example>
/// <example>
/// <code>Get-WalRestore /data/pg | Get-ReplicationLag</code>
/// <para>Its state, as far as the target alone can tell.</para>
/// </example>
/// <example>
/// <code>Get-WalRestore /data/pg -Source $env:DATABASE_URL | Invoke-Cutover -App $app</code>
/// <para>The cutover, days after the restore.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "WalRestore")]
[OutputType(typeof(WalLink))]
public sealed class GetWalRestoreCommand : MigrationCmdlet
{
    /// <summary>The data directory that Start-WalRestore was given.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    public required string DataDirectory { get; set; }

    /// <summary>The server that the app leaves.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancel)
    {
        Write(WalRestore.Find(Path.TrimEndingDirectorySeparator(ResolvePath(DataDirectory)), Source));
        return Task.CompletedTask;
    }
}
