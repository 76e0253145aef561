using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>Waits until the nonce of every task is on the target, every change that DMS has seen is applied, and none was skipped.</summary>
public sealed class DrainTasks : ICutoverStep
{
    private static readonly TimeSpan BetweenLooksAtDms = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public string Name => nameof(DrainTasks);

    /// <inheritdoc/>
    public string Effect => "wait until the target shows the nonce of every task and the applied changes stand still; look whether a row was skipped, a table given up, or anything made, changed or dropped on the source since";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var link = DmsProof.LinkOf(context);
        await AwaitNoncesAsync(context, link, cancel);
        var target = await context.TargetSessionAsync(cancel);
        string skipped = await DmsProof.NothingSkippedAsync(context, target, cancel);
        string still = await StandStillAsync(context, cancel);
        return $"nonce of {string.Join(", ", link.TaskNames)} found, {skipped}, {still}, {await SinceTheMark.ProveUntouchedAsync(context, cancel)}";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;

    private static async Task AwaitNoncesAsync(CutoverContext context, DmsLink link, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        var nextLook = BetweenLooksAtDms;
        string[] missing = [];
        string? mute = null;
        try
        {
            while ((missing = await MissingAsync(context, link, cancel)).Length > 0)
            {
                if (clock.Elapsed > nextLook)
                {
                    nextLook = clock.Elapsed + BetweenLooksAtDms;
                    context.Observer.Progress(new MigrationProgress("Cutover", $"draining: {string.Join(", ", missing)} {(missing.Length == 1 ? "is" : "are")} not there yet"));
                    mute = await RefuseDeadAsync(context, link, missing[0], cancel);
                }

                await Task.Delay(5, cancel); // a row that arrives tells nobody
            }
        }
        catch (OperationCanceledException late) when (missing.Length > 0)
        {
            throw new OperationCanceledException(late.Message, new MigrationException("MarkMissing", MigrationErrorKind.InvalidData,
                $"the nonce of {string.Join(", ", missing)} has not arrived on the target{(mute is null ? "; look at the task's log and at locks on the target." : $", and DMS cannot be asked about its tasks: {mute}")}"), cancel);
        }
    }

    // A service that does not answer for a moment says nothing of its tasks: the nonce decides. Returns why it could not be asked.
    private static async Task<string?> RefuseDeadAsync(CutoverContext context, DmsLink link, string missing, CancellationToken cancel)
    {
        try
        {
            using var dms = link.Connect();
            var tasks = await DmsTasks.GlanceAsync(dms, link.TaskArns, cancel);
            if (tasks.FirstOrDefault(task => task.IsFailed || task.State == "Stopped") is { } dead)
            {
                throw new MigrationException("LinkBroken", MigrationErrorKind.InvalidData, $"{dead.Detail} The nonce of {missing} has not arrived.");
            }
        }
        catch (MigrationException error) when (error.Kind is MigrationErrorKind.Connection or MigrationErrorKind.ResourceUnavailable)
        {
            return error.Message;
        }

        return null;
    }

    /// <summary>The tasks whose nonce the target does not show.</summary>
    internal static async Task<string[]> MissingAsync(CutoverContext context, DmsLink link, CancellationToken cancel)
    {
        var there = await DmsHeartbeat.ReadAsync(await context.TargetSessionAsync(cancel), link.Tasks, cancel);
        return [.. link.Tasks.Where((_, place) => context.Facts.Nonce is null || there[place]?.Nonce != context.Facts.Nonce).Select(task => task.Identifier)];
    }

    // DMS counts what it saw at the source and what it applied; where it does not count the latter, two looks must be the same.
    private static async Task<string> StandStillAsync(CutoverContext context, CancellationToken cancel)
    {
        (string, long, long?)[]? before = null;
        while (true)
        {
            var tables = (await DmsProof.FollowingAsync(context, cancel)).SelectMany(task => task.Tables).ToArray();
            (string, long, long?)[] now = [.. tables.Select(table => (table.Table, table.Changes, table.Applied))];
            long open = tables.Sum(table => table.UncomparedRows);
            if (tables.All(table => table.Applied == table.Changes) || (before is not null && now.SequenceEqual(before)))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{now.Length} tables stand still{(open > 0 ? $" ({open:N0} rows not validated by DMS: they are compared next)" : string.Empty)}");
            }

            before = now;
            await Task.Delay(500, cancel);
        }
    }
}
