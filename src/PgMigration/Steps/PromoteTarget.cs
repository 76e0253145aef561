using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Promotes the target. Going back from here costs a new restore.</summary>
public sealed class PromoteTarget : ICutoverStep
{
    /// <summary>Asks for the promotion, unless the time for that is over.</summary>
    internal const string Request = "select pg_promote(false) where pg_is_in_recovery() and clock_timestamp() < @until";

    /// <inheritdoc/>
    public string Name => nameof(PromoteTarget);

    /// <inheritdoc/>
    public string Effect => "promote the target (it stays fenced)";

    /// <inheritdoc/>
    public string UndoEffect => "stop the target, which needs a new restore then";

    /// <inheritdoc/>
    public CutoverMark Mark => CutoverMark.Promotion;

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var target = await context.TargetSessionAsync(cancel);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(context.Options.PromoteTimeout);
        try
        {
            // pg_promote's own waiting looks every 100 ms; we look more often. The request expires: one that a network held back and delivers
            // when the cutover has been undone would open a target that has replayed the lifted fence by then.
            await target.ExecuteAsync(Request, deadline.Token,
                new NpgsqlParameter<DateTime>("until", await target.ScalarAsync<DateTime>("select clock_timestamp()", deadline.Token) + context.Options.PromoteTimeout));
            while (await target.ScalarAsync<bool>("select pg_is_in_recovery()", deadline.Token))
            {
                await Task.Delay(2, deadline.Token);
            }
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new MigrationException("PromotionTimedOut", MigrationErrorKind.Timeout, string.Create(CultureInfo.InvariantCulture,
                $"The target did not leave recovery within {context.Options.PromoteTimeout.TotalSeconds:0.#} s after pg_promote(). Its log says why."), error);
        }

        return "out of recovery";
    }

    /// <inheritdoc/>
    public async Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) =>
        !await (await context.TargetSessionAsync(cancel)).ScalarAsync<bool>("select pg_is_in_recovery()", cancel);

    /// <summary>A promotion that was asked for can still happen by itself, also after pg_promote() said no: the target is stopped before the source may write again.</summary>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => TargetStop.StopAsync(context, cancel);
}
