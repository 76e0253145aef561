using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Makes what had to wait until nothing is copied any more: identity columns that refuse ids of others, and triggers that fire for replication too.</summary>
public sealed class FinishSchema : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(FinishSchema);

    /// <inheritdoc/>
    public string Effect => "turn the target's identity columns to GENERATED ALWAYS where the source's are, and make its triggers that fire for replication";

    /// <inheritdoc/>
    public string UndoEffect => "turn them back, and drop those triggers, so that the tasks can go on";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.FencedSourceSessionAsync(cancel);
        var target = await context.TargetSessionAsync(cancel);
        int made = 0;
        await using var transaction = await target.BeginTransactionAsync(cancel);
        foreach (var step in await SchemaCopy.FinalStepsAsync(source, target, cancel))
        {
            if (step.Row.Action == SchemaAction.Failed)
            {
                throw step.Row.Failure();
            }

            if (step.Sql is not null)
            {
                await target.ExecuteAsync(step.Sql, cancel);
                made++;
            }
        }

        await transaction.CommitAsync(cancel);
        return string.Create(CultureInfo.InvariantCulture, $"{made} identity columns and triggers are as on the source");
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        var target = await context.TargetSessionAsync(cancel);
        await using var transaction = await target.BeginTransactionAsync(cancel);
        foreach (string statement in await SchemaCopy.ReopeningAsync(source, target, cancel))
        {
            await target.ExecuteAsync(statement, cancel);
        }

        await transaction.CommitAsync(cancel);
    }
}
