using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Takes a begun cutover back from its journal: the app runs on the source as before.</summary>
/// <remarks>
/// Always possible until the target was opened. After the promotion it costs a new restore: the promoted target is stopped before the
/// source takes writes again. Once the target was opened, only along the way back that -KeepSourceInSync kept: the new server is fenced,
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

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string journal = ResolvePath(Journal!);
        if (await ShouldAsync(journal, "Undo the cutover"))
        {
            Write(await Cutover().UndoAsync(journal, cancel));
        }
    }
}
