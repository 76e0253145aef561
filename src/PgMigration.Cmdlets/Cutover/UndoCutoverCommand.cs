using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Takes a begun cutover back from its journal: the app runs on the source as before.</summary>
/// <remarks>
/// Always possible until the target was opened. After the promotion it costs a new restore: the promoted target is stopped before the
/// source takes writes again; one that does not answer keeps the source fenced until it is known to be stopped. Once the target was opened, only along the way back that -KeepSourceInSync kept: the new server is fenced,
/// the old one gets what it lacks, and nothing is lost. Otherwise it refuses, and says what was written since.
/// </remarks>
/// <example>
/// <code>$link | Undo-Cutover -App $app -Journal ./tonight.journal</code>
/// <para>Goes back.</para>
/// </example>
/// <example>
/// <code>Get-WalRestore -DataDirectory /data/pg -Source $env:DATABASE_URL | Undo-Cutover -App $app -Journal ./tonight.journal -Confirm:$false</code>
/// <para>In a new session, without asking.</para>
/// </example>
/// <example>
/// <code>$link | Undo-Cutover -App $app -Journal ./tonight.journal -WhatIf</code>
/// <para>Says what would be undone and changes nothing.</para>
/// </example>
[Cmdlet(VerbsCommon.Undo, "Cutover", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(CutoverReport))]
public sealed class UndoCutoverCommand : CutoverCmdlet
{
    /// <summary>The journal's file: Get-Cutover lists them.</summary>
    [Parameter(Mandatory = true)]
    public string? Journal { get; set; }

    /// <summary>
    /// Say that the target does not run and will not, where it cannot be reached any more after its promotion was begun: stopped there, or its
    /// machine switched off. Without that proof the source stays fenced: a target that only stands still may open later as a second server.
    /// </summary>
    [Parameter]
    public SwitchParameter TargetIsStopped { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string journal = ResolvePath(Journal!);
        if (await ShouldAsync(journal, "Undo the cutover"))
        {
            Write(await Cutover(new CutoverOptions { TargetIsStopped = TargetIsStopped }).UndoAsync(journal, cancel));
        }
    }
}
