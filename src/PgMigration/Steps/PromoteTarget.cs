using System.Globalization;
using System.Net.Sockets;
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

    /// <summary>
    /// A promotion that was asked for can still happen by itself, also after pg_promote() said no: the target is stopped before the source
    /// may write again. One that cannot be reached is tried until the request has expired: then it does not run, or is promoted and still
    /// fenced, or was never asked; it takes no write in any case.
    /// </summary>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        var asked = context.Journal.Entries.LastOrDefault(entry => entry.Event == CutoverEvent.Begun && entry.Step == Name)?.At ?? DateTime.UtcNow;
        bool told = false;
        while (true)
        {
            try
            {
                await using var target = await context.Target.ConnectAsync(cancel);
                if (!told && !await target.ScalarAsync<bool>("select pg_is_in_recovery()", cancel) && await MarkTable.ReadAsync(target, context.Facts.Id, cancel) != context.Facts.Nonce)
                {
                    throw new MigrationException("JournalStale", MigrationErrorKind.InvalidOperation,
                        $"The server at {context.Target} takes writes and does not hold this cutover's mark: it is not the one that this cutover promoted, and is not stopped.");
                }

                // There is no SQL for a shutdown; the working directory of a server's program is its data directory, and the first line of
                // postmaster.pid the process to ask for a fast one. It works from any machine.
                told = true;
                await target.ExecuteAsync("copy (select 1) to program 'kill -INT $(head -n 1 postmaster.pid)'", cancel);
            }
            catch (Exception error) when (IsGone(error))
            {
                // "the database system is shutting down": it goes. No answer: it has gone, was not running, or is out of reach.
                if ((error.InnerException ?? error) is not PostgresException && (told || DoesNotRun(context, error) || DateTime.UtcNow - asked > context.Options.PromoteTimeout))
                {
                    return;
                }
            }

            await Task.Delay(10, cancel);
        }
    }

    // Nobody listens where it would, or on this machine its process is gone.
    private static bool DoesNotRun(CutoverContext context, Exception error) =>
        error.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
        || (context.Link is WalLink link && link.LocalLayout() is { } layout && LocalServer.ReadProcessId(layout.DataDirectory) is null);

    private static bool IsGone(Exception error) => error is NpgsqlException or MigrationException { Kind: MigrationErrorKind.Connection };
}
