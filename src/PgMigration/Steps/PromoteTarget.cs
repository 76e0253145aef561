using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Promotes the target. Going back from here costs a new restore.</summary>
public sealed class PromoteTarget : ICutoverStep
{
    /// <summary>Asks for the promotion, unless the time for that is over.</summary>
    internal const string Request = "select pg_promote(false) where pg_is_in_recovery() and clock_timestamp() < @until";

    private static readonly TimeSpan NoteWithin = TimeSpan.FromSeconds(2);

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
        var noted = NoteAsync(context, cancel);
        try
        {
            await PromoteAsync(context, target, cancel);
        }
        finally
        {
            await noted;
        }

        return "out of recovery";
    }

    /// <inheritdoc/>
    public async Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) =>
        !await (await context.TargetSessionAsync(cancel)).ScalarAsync<bool>("select pg_is_in_recovery()", cancel);

    /// <summary>A promotion that was asked for can still happen by itself, also after pg_promote() said no: the target is stopped before the source may write again.</summary>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => TargetStop.StopAsync(context, cancel);

    // Beside the promotion, so that it costs no time. Where the source is gone there is nothing that an older copy of the journal could open.
    private static async Task NoteAsync(CutoverContext context, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(NoteWithin);
        try
        {
            await MarkTable.NotePromotionAsync(await context.SourceSessionAsync(limit.Token), context.Facts.Id, limit.Token);
        }
        catch (Exception error) when (error is NpgsqlException or MigrationException or OperationCanceledException)
        {
            context.Observer.Verbose($"the promotion could not be noted on the source: {Redaction.Of(error.Message)}");
        }
    }

    private static async Task PromoteAsync(CutoverContext context, NpgsqlConnection target, CancellationToken cancel)
    {
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
    }
}
