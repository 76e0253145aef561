using System.Globalization;

namespace PgMigration;

/// <summary>The door of this folder: what must hold on both servers before an app is paused, whatever the user's own gates say.</summary>
/// <remarks>Asked twice: before the first step, and again just before the pause. Each "no" is a sentence with the next step.</remarks>
public static class Preconditions
{
    /// <summary>Asks all of it; returns what was seen, in words.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>.</exception>
    public static async Task<string> CheckAsync(CutoverContext context, CancellationToken cancel = default)
    {
        var source = await context.SourceSessionAsync(cancel);
        string lag = await LinkFlow.CheckAsync(context, cancel);
        await PreparedTransactions.WaitForTheseAsync(source, context.Options.FenceTimeout, cancel);
        string transactions = await OpenTransactions.CheckAsync(context, cancel);
        string room = await TargetRoom.CheckAsync(context, cancel);
        await CheckSequencesAsync(context, cancel);
        return $"{lag}, {transactions}, {room}";
    }

    /// <summary>Asks what takes one short question, while the app is paused already.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>.</exception>
    public static async Task CheckQuicklyAsync(CutoverContext context, CancellationToken cancel = default) =>
        await PreparedTransactions.RefuseOldAsync(await context.SourceSessionAsync(cancel), context.Options.FenceTimeout, cancel);

    internal static MigrationException Closed(string reason) => new("CutoverGateClosed", MigrationErrorKind.InvalidOperation, reason);

    // What copies rows without the rest leaves sequences behind: they are moved before the target opens, if they can be.
    private static async Task CheckSequencesAsync(CutoverContext context, CancellationToken cancel)
    {
        if (context.Link.CarriesSequences)
        {
            return;
        }

        var plan = await SequenceRepair.PlanAsync(context.Target, context.Source, observer: context.Observer, cancel: cancel);
        if (plan.HasFailures)
        {
            var failures = plan.Rows.Where(row => row.Action == SequenceAction.Failed).ToList();
            throw Closed(string.Create(CultureInfo.InvariantCulture,
                $"{failures.Count} sequences of the target cannot be made safe, the first is {failures[0].Sequence}: {failures[0].Detail}. Mend them; Repair-PgSequence -Source … -WhatIf shows all."));
        }
    }
}
