using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Stops a restored server and its prefetcher. Its data stay, so that Start-WalRestore can go on with them.</summary>
/// <remarks>A server that was promoted may be the one that the app uses: it is neither stopped nor removed without -Force.</remarks>
/// <example>
/// <code>Stop-WalRestore -DataDirectory /data/pg</code>
/// <para>Stops it; Start-WalRestore with the same archive and directory lets it follow again.</para>
/// </example>
/// <example>
/// <code>$link | Stop-WalRestore -RemoveData</code>
/// <para>Stops it and removes the data directory and what was put into tablespaces.</para>
/// </example>
/// <example>
/// <code>Get-WalRestore /data/pg | Stop-WalRestore -WhatIf</code>
/// <para>Says what would be stopped.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Stop, "WalRestore", DefaultParameterSetName = Named, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
public sealed class StopWalRestoreCommand : RestoredServerCmdlet
{
    /// <summary>Remove the data directory, and what lies in the folders of its tablespaces.</summary>
    [Parameter]
    public SwitchParameter RemoveData { get; set; }

    /// <summary>Do so even though the server was promoted.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string directory = Directory();
        if (await ShouldAsync(directory, RemoveData ? "Stop the restored server and remove its data" : "Stop the restored server"))
        {
            await WalRestore.StopAsync(directory, RemoveData, Force, cancel);
        }
    }
}
