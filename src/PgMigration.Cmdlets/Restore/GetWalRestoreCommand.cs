using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Finds a restored server in a new session: the link that Start-WalRestore returned.</summary>
/// <remarks>The link's Findings are read anew from all of the copy's databases. Runs on the machine of the data directory, as a user who may read it. The source's secret is stored nowhere: give -Source anew.</remarks>
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
/// <example>
/// <code>(Get-WalRestore /data/pg).Findings | Where-Object Severity -GE Warning | Format-List Severity, Subject, Consequence, Fix</code>
/// <para>What must be mended around the promotion: missing libraries, indexes to rebuild, tables that arrive empty.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "WalRestore", DefaultParameterSetName = Named)]
[OutputType(typeof(WalLink))]
public sealed class GetWalRestoreCommand : RestoredServerCmdlet
{
    /// <summary>The server that the app leaves.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel) =>
        Write(await WalRestore.FindAsync(Directory(), Source, Observer, cancel));
}
