using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Moves every sequence beyond the values that its columns and the source hold, and makes those that a copy left out.</summary>
/// <remarks>
/// A sequence goes to the largest value of the source's sequence and of every column that takes from it, plus -SafetyMargin; never
/// backwards, and not at all when it stands there already, so running it again is safe. With -Source, columns whose sequence is missing
/// get it back as it is there: made, owned, attached as default or identity. One row comes out for each column; under -WhatIf the same
/// rows, and nothing is changed. A row that fails (a limit reached, a column that may not be read) is an error too; the others go on.
/// Do it while the application is stopped: identity columns GENERATED ALWAYS refuse the ids that a running copy (DMS) brings along.
/// </remarks>
/// <example>
/// <code>Repair-PgSequence service=new -Source $env:DATABASE_URL -WhatIf</code>
/// <para>What would be made and moved on the new server.</para>
/// </example>
/// <example>
/// <code>Repair-PgSequence service=new -Source $env:DATABASE_URL -SafetyMargin 1000 | Where-Object Action -NE None</code>
/// <para>Repairs, leaving room for a thousand rows that are still on their way, and shows what was changed.</para>
/// </example>
/// <example>
/// <code>$link.Target | Repair-PgSequence -ByNamingRule | Export-Csv ./sequences.csv</code>
/// <para>Without a source: also gives sequences to plain integer primary keys called id, and keeps a record.</para>
/// </example>
[Cmdlet(VerbsDiagnostic.Repair, "PgSequence", SupportsShouldProcess = true)]
[OutputType(typeof(SequenceRepairRow))]
public sealed class RepairPgSequenceCommand : PgServerCmdlet
{
    /// <summary>The database that it was copied from; only read. By default none: then the columns alone tell.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <summary>How many values to leave free beyond the largest known one; 0 by default.</summary>
    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long SafetyMargin { get; set; }

    /// <summary>Also gives a sequence to the only integer column of a primary key, without default and in no foreign key, that is called id or has a sequence table_column_seq beside it.</summary>
    [Parameter]
    public SwitchParameter ByNamingRule { get; set; }

    /// <summary>How long a change waits for a lock before its row fails, so that nobody queues up behind it. Bare numbers are seconds; 5 by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var options = new SequenceRepairOptions { SafetyMargin = SafetyMargin, ByNamingRule = ByNamingRule, LockTimeout = LockTimeout };
        await DirectReach.ProveAsync(ReadServer(), "target", cancel);
        var plan = await SequenceRepair.PlanAsync(ReadServer(), Source, options, Observer, cancel);
        bool apply = plan.HasChanges && await ShouldAsync(plan.Target.ToString(), plan.Summary);
        var rows = apply ? await SequenceRepair.ApplyAsync(plan, Observer, cancel) : plan.Rows;
        foreach (var row in rows)
        {
            Write(row);
        }

        foreach (var row in rows.Where(row => row.Action == SequenceAction.Failed))
        {
            WriteFailure(row.Failure(), row);
        }
    }
}
