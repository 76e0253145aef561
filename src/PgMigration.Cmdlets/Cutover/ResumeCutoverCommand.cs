using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Goes on with a cutover whose session died, from its journal.</summary>
/// <remarks>Asks the servers what is true now: before the promotion the app is paused, the fence proven and the mark set anew; after it only what is left is done.</remarks>
/// <example>
/// <code>Get-WalRestore -DataDirectory /data/pg -Source $env:DATABASE_URL | Resume-Cutover -App $app -Journal ./tonight.journal</code>
/// <para>Finishes the cutover.</para>
/// </example>
/// <example>
/// <code>$link | Resume-Cutover -App $app -Journal (Get-Cutover)[0].Journal -Confirm:$false</code>
/// <para>The newest one, without asking.</para>
/// </example>
/// <example>
/// <code>$link | Resume-Cutover -App $app -Journal ./tonight.journal -WhatIf</code>
/// <para>Says what would be resumed and changes nothing.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Resume, "Cutover", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(CutoverReport))]
public sealed class ResumeCutoverCommand : CutoverRunCmdlet
{
    /// <summary>The journal's file: Get-Cutover lists them.</summary>
    [Parameter(Mandatory = true)]
    public string? Journal { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string journal = ResolvePath(Journal!);
        if (await ShouldAsync(journal, "Resume the cutover"))
        {
            Write(await Cutover(RunOptions()).ResumeAsync(journal, cancel));
        }
    }
}
