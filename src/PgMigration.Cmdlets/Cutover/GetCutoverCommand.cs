using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Reads the journals of cutovers: what was done and begun, when, and how it ended.</summary>
/// <remarks>Works in any session, also while another one is cutting over.</remarks>
/// <example>
/// <code>Get-Cutover</code>
/// <para>All cutovers of this user on this machine, newest first.</para>
/// </example>
/// <example>
/// <code>Get-Cutover | Where-Object Outcome -EQ Unfinished</code>
/// <para>Those that wait for Resume-Cutover or Undo-Cutover.</para>
/// </example>
/// <example>
/// <code>(Get-Cutover -Journal ./tonight.journal).Entries</code>
/// <para>Every line of one journal.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "Cutover")]
[OutputType(typeof(CutoverRecord))]
public sealed class GetCutoverCommand : MigrationCmdlet
{
    /// <summary>One journal's file; by default all of the user's application data.</summary>
    [Parameter(Position = 0)]
    public string? Journal { get; set; }

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancel)
    {
        foreach (var record in Journal is null ? CutoverRecord.List(CutoverJournal.DefaultFolder, Observer) : [CutoverRecord.Read(ResolvePath(Journal))])
        {
            Write(record);
        }

        return Task.CompletedTask;
    }
}
