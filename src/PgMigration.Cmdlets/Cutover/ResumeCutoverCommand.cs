using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Goes on with a cutover whose session died, from its journal.</summary>
/// <remarks>
/// Asks the servers what is true now: before the promotion the app is paused, the fence proven and the mark set anew; after it only what is left is done,
/// and until the target is opened only while the source is proven to be fenced and untouched still.
/// </remarks>
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
/// <example>
/// <code>$link | Resume-Cutover -App $app -Journal ./tonight.journal -EndWayBack</code>
/// <para>Days later, when nobody will go back: ends the way back that -KeepSourceInSync kept.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Resume, "Cutover", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(CutoverReport))]
public sealed class ResumeCutoverCommand : CutoverRunCmdlet
{
    /// <summary>The journal's file: Get-Cutover lists them.</summary>
    [Parameter(Mandatory = true)]
    public string? Journal { get; set; }

    /// <summary>
    /// Of a cutover that has ended: end the way back that -KeepSourceInSync kept. The old server follows no more and stays fenced; what the way back
    /// made is removed from both servers, the replication slot among it. Going back would then lose what was written since.
    /// </summary>
    [Parameter]
    public SwitchParameter EndWayBack { get; set; }

    /// <summary>
    /// Say that the source does not run and will not, where it cannot be reached any more after the promotion was begun. Without that proof the
    /// target is not opened: somebody may have opened the source by hand meanwhile, and what was committed there is not on the target.
    /// </summary>
    [Parameter]
    public SwitchParameter SourceIsStopped { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string journal = ResolvePath(Journal!);
        if (EndWayBack)
        {
            if (await ShouldAsync(journal, "End the way back: the old server follows no more, and going back would lose what was written since"))
            {
                await Cutover(RunOptions()).EndWayBackAsync(journal, cancel);
            }
        }
        else if (await ShouldAsync(journal, $"Resume the cutover{WayOf(journal)}"))
        {
            Write(await Cutover(RunOptions() with { SourceIsStopped = SourceIsStopped }).ResumeAsync(journal, cancel));
        }
    }

    // What an earlier session measured: a plan for -WhatIf changes nothing, and so measures nothing.
    private static string WayOf(string journal) =>
        File.Exists(journal) && CutoverRecord.Read(journal).Entries.LastOrDefault(entry => entry.Facts is not null)?.Facts?.SegmentWay is { } way
            ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $" (a WAL segment took {way.TotalSeconds:0.0} s to the target when it was last measured: expect the app to be paused for at least that)") : string.Empty;
}
