using System.Globalization;

namespace PgMigration;

/// <summary>Makes and moves the target's sequences, which DMS leaves out, and proves that none would give out a number that is taken.</summary>
/// <remarks>Without it the first inserts of the app collide with rows that are there: the accident for which this gate is here.</remarks>
public sealed class RepairSequences : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(RepairSequences);

    /// <inheritdoc/>
    public string Effect => "make and move the target's sequences, and prove that none would collide";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo: sequences of the target only moved forward";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        if (context.Options.RepairSequences)
        {
            var plan = await SequenceRepair.PlanAsync(context.Target, context.Source, observer: context.Observer, cancel: cancel);
            await SequenceRepair.ApplyAsync(plan, context.Observer, cancel);
        }

        var proof = await SequenceRepair.PlanAsync(context.Target, context.Source, cancel: cancel);
        var open = proof.Rows.Where(row => row.Action is not (SequenceAction.None or SequenceAction.Skip)).ToArray();
        return open.Length == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{proof.Rows.Count} sequences stand beyond their columns and the source")
            : throw new MigrationException("SequencesWouldCollide", MigrationErrorKind.InvalidData, string.Create(CultureInfo.InvariantCulture,
                $"{open.Length} columns of the target would get numbers that are taken, or none at all: {string.Join(", ", open.Take(5).Select(row => $"{row.Schema}.{row.Table}.{row.Column} ({row.Sequence ?? "no sequence"}: {row.Detail ?? row.Action.ToString()})"))}{(open.Length > 5 ? ", …" : string.Empty)}. The app is not let in. Repair-PgSequence with the source mends them."));
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
