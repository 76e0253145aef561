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
    public string UndoEffect => "let the app go on, at the source";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
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
            return $"{context.App.Kind} paused, none of its transactions open";
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new MigrationException("PauseTimedOut", MigrationErrorKind.Timeout, string.Create(CultureInfo.InvariantCulture,
                $"The app's transactions did not end within {context.Options.PauseTimeout.TotalSeconds:0.#} s. End the long ones (or, with a session-mode pool, the clients), or raise -PauseTimeout."), error);
        }
    }

    // A statement of a client that was disconnected runs on, on a server that has not noticed: it is the app's, and ended here, so that the
    // fence does not take it for a stranger's. It is known by the port that it came from.
    private static async Task EndCutOffAsync(CutoverContext context, CancellationToken cancel)
    {
        if (context.App.CutOff is not { Count: > 0 } sessions)
        {
            return;
        }

        var server = context.Facts.Returning ? await context.TargetSessionAsync(cancel) : await context.SourceSessionAsync(cancel);
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
    }
}
