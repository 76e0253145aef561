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

    internal IReadOnlyList<SequenceStep> Steps { get; }
}
