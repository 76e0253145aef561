using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Lists every sequence of a database with the columns that take from it, and whether its next value collides.</summary>
/// <remarks>
/// Finds sequences behind serial and identity columns and behind every default that calls nextval, in all schemas, and those that no
/// column takes from. Changes nothing, and works on a standby.
/// </remarks>
/// <example>
/// <code>Get-PgSequence $env:DATABASE_URL</code>
/// <para>All sequences, with their last values and those of their columns.</para>
/// </example>
/// <example>
/// <code>Get-PgSequence service=new | Where-Object Collides</code>
/// <para>Those behind their columns: the next insert fails with a duplicate key. Repair-PgSequence mends them.</para>
/// </example>
/// <example>
/// <code>Get-WalRestore -DataDirectory /data/pg | Get-PgSequence | Sort-Object PercentUsed -Descending | Select-Object -First 10</code>
/// <para>The ten of a restored server that are nearest to their end, such as the end of integer.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "PgSequence")]
[OutputType(typeof(PgSequence))]
public sealed class GetPgSequenceCommand : PgServerCmdlet
{
    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        foreach (var sequence in await PgSequence.ReadAsync(ReadServer(), Observer, cancel))
        {
            Write(sequence);
        }
    }
}
