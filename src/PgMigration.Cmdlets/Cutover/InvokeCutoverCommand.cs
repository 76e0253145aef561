using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Moves the application from its server to the link's target, with a pause that it sees as latency.</summary>
/// <remarks>
/// Checks every gate, pauses the app, fences the source and proves the fence, waits until a mark written behind the fence is on the target,
/// promotes and opens it, points the app there and lets it go on. -WhatIf writes the plan, with the promotion and the point of no return.
/// If anything fails before the point of no return, everything done is undone and the app runs on the source as before. What is done is
/// journalled; after a death of the session Resume-Cutover or Undo-Cutover goes on from the journal. Before the app is paused a WAL segment's way to
/// the target is timed: where -MaxPause does not allow that, the app is not paused.
/// </remarks>
/// <example>
/// <code>$link | Invoke-Cutover -App $app -WhatIf</code>
/// <para>Writes the plan and changes nothing.</para>
/// </example>
/// <example>
/// <code>$link | Invoke-Cutover -App $app -Confirm:$false</code>
/// <para>Cuts over without asking, as a runbook does.</para>
/// </example>
/// <example>
/// <code>Get-WalRestore -DataDirectory /data/pg | Invoke-Cutover -Source $env:DATABASE_URL -App $app -MaxPause 20 -Journal ./tonight.journal</code>
/// <para>In a new session, with a journal in a place of one's own, giving up after 20 seconds of pause.</para>
/// </example>
/// <example>
/// <code>$link | Invoke-Cutover -App $app -Until FillSegment -Journal ./tonight.journal</code>
/// <para>Does all that can be done before the app is paused, and stops. Resume-Cutover asks every gate again and goes on.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Invoke, "Cutover", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(CutoverReport), typeof(CutoverPlanRow))]
public sealed class InvokeCutoverCommand : CutoverRunCmdlet
{
    /// <summary>The journal's file; it must not exist yet, or be that of a cutover which ended before it paused the app. By default one in the user's application data, which the report names.</summary>
    [Parameter]
    public string? Journal { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var cutover = Cutover(RunOptions());
        if (!await ShouldAsync($"{cutover.Source} → {cutover.Link.Target}", "Cut over"))
        {
            foreach (var row in cutover.Plan.Describe(Until))
            {
                Write(row);
            }

            return;
        }

        Write(await cutover.RunAsync(Journal is null ? PgMigration.Cutover.NewJournalPath(cutover.Source) : ResolvePath(Journal), cancel));
    }
}
