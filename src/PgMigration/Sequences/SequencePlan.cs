using System.Globalization;

namespace PgMigration;

/// <summary>What a repair will do on one database.</summary>
public sealed class SequencePlan
{
    internal SequencePlan(PgServer target, SequenceRepairOptions options, IReadOnlyList<SequenceStep> steps)
    {
        Target = target;
        Options = options;
        Steps = steps;
        Rows = [.. steps.Select(step => step.Row)];
    }

    /// <summary>The database whose sequences are repaired.</summary>
    public PgServer Target { get; }

    /// <summary>How.</summary>
    public SequenceRepairOptions Options { get; }

    /// <summary>One row for each column with a sequence, and each sequence without a column.</summary>
    public IReadOnlyList<SequenceRepairRow> Rows { get; }

    /// <summary>Whether anything is to be changed.</summary>
    public bool HasChanges => Steps.Any(step => step.Row.Action is SequenceAction.Advance or SequenceAction.Attach or SequenceAction.Create);

    /// <summary>Whether some sequence cannot be made safe.</summary>
    public bool HasFailures => Steps.Any(step => step.Row.Action == SequenceAction.Failed);

    /// <summary>What is to be changed in one line, such as "make 3, attach 1 and move 12 of 40 sequences".</summary>
    public string Summary => string.Create(CultureInfo.InvariantCulture,
        $"make {Count(SequenceAction.Create)}, attach {Count(SequenceAction.Attach)} and move {Count(SequenceAction.Advance)} of {Rows.Select(row => row.Sequence).Distinct().Count()} sequences");

    internal IReadOnlyList<SequenceStep> Steps { get; }

    // several columns may share a sequence, and each has a row
    private int Count(SequenceAction action) => Rows.Where(row => row.Action == action).Select(row => row.Sequence).Distinct().Count();
}
