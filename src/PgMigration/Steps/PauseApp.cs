using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Makes the app wait. From here to its resumption the app sees latency.</summary>
public sealed class PauseApp : ICutoverStep
{
    private const string EndSql = $"""
        select pg_terminate_backend(a.pid) from pg_stat_activity a join pg_roles r on r.oid = a.usesysid join unnest(@pids, @ports) k(pid, port) on k.pid = a.pid and k.port = a.client_port
        where a.datname = current_database() and {SessionText.MayEnd}
        """;

    /// <inheritdoc/>
    public string Name => nameof(PauseApp);

    /// <inheritdoc/>
    public string Effect => "pause the app: its transactions end, new ones wait";

    /// <inheritdoc/>
    public string UndoEffect => "let the app go on, and have a query over its own path answered by the source";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        string let = string.Empty;
        await PauseOnceAsync(context, cancel);
        var server = await LeftServerAsync(context, cancel);
        for (var clock = Stopwatch.StartNew(); context.App.MakesClientsWait && clock.Elapsed < context.Options.FenceTimeout && await PreparedTransactions.AreHeldUpAsync(server, cancel);)
        {
            // Their manager's sessions wait in the paused pooler. Let through for a moment, it decides them; with luck the next pause finds none.
            await context.App.ResumeAsync(cancel);
            await Task.Delay(Random.Shared.Next(10, 60), cancel);
            await PauseOnceAsync(context, cancel);
            let = ", after transactions that were prepared were let through";
        }

        return $"{context.App.Kind} paused{let}";
    }

    private static async Task PauseOnceAsync(CutoverContext context, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(context.Options.PauseTimeout);
        try
        {
            if (context.Facts.App is null)
            {
                context.Learn(context.Facts with { App = new AppMemory(context.App.Kind, await context.App.RememberAsync(deadline.Token)) });
            }

            await context.App.PauseAsync(deadline.Token);
            context.TellRemarks();
            await EndCutOffAsync(context, deadline.Token);
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new MigrationException("PauseTimedOut", MigrationErrorKind.Timeout, string.Create(CultureInfo.InvariantCulture,
                $"The app ({context.App.Kind}) was not paused: its pause did not end within {context.Options.PauseTimeout.TotalSeconds:0.#} s. If its transactions are long, end them (or, with a session-mode pool, the clients), or raise -PauseTimeout."), error);
        }
    }

    private static Task<NpgsqlConnection> LeftServerAsync(CutoverContext context, CancellationToken cancel) =>
        context.Facts.Returning ? context.TargetSessionAsync(cancel) : context.SourceSessionAsync(cancel);

    // A statement of a client that was disconnected runs on, on a server that has not noticed: it is the app's, and ended here, so that the
    // fence does not take it for a stranger's. It is known by the port that it came from.
    private static async Task EndCutOffAsync(CutoverContext context, CancellationToken cancel)
    {
        if (context.App.CutOff is not { Count: > 0 } sessions)
        {
            return;
        }

        var server = await LeftServerAsync(context, cancel);
        NpgsqlParameter[] Known() => [new NpgsqlParameter<int[]>("pids", [.. sessions.Select(each => each.ProcessId)]), new NpgsqlParameter<int[]>("ports", [.. sessions.Select(each => each.ClientPort)])];
        while ((await server.RowsAsync(EndSql, row => row.GetBoolean(0), cancel, Known())).Count > 0)
        {
            await Task.Delay(2, cancel); // PostgreSQL tells nobody when a session has ended
        }
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        await context.App.ResumeAsync(cancel);
        context.TellRemarks();
        await AppProof.FindAsync(context, await context.SourceSessionAsync(cancel), [context.Source, context.AppTarget], cancel);
    }
}
