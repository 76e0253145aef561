using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Npgsql;

namespace PgMigration;

/// <summary>Carries a plan out: stage after stage, within a stage side by side where that is safe.</summary>
internal sealed class SchemaWork(SchemaPlan plan, IMigrationObserver observer, Action<SchemaRow> written)
{
    private const string Activity = "Copying the schema";
    private static readonly TimeSpan CleanUpPatience = TimeSpan.FromSeconds(30);

    private readonly SchemaRow[] _rows = [.. plan.Rows];
    private readonly HashSet<int> _written = [];
    private int _done;

    public async Task<IReadOnlyList<SchemaRow>> RunAsync(CancellationToken cancel)
    {
        foreach (var stage in Enum.GetValues<SchemaStage>())
        {
            int[] steps = [.. Enumerable.Range(0, _rows.Length).Where(i => plan.Steps[i].Stage == stage)];
            if (stage is SchemaStage.Indexes or SchemaStage.Constraints)
            {
                await SideBySideAsync(steps, MakeAsync, cancel);
            }
            else
            {
                await OneByOneAsync(steps, MakeAsync, cancel);
            }

            await SideBySideAsync([.. steps.Where(i => _rows[i].Action != SchemaAction.Failed && plan.Steps[i].Then.Count > 0)], CheckAsync, cancel);
            foreach (int i in steps)
            {
                Report(i);
            }
        }

        observer.Progress(new MigrationProgress(Activity, "done") { Completed = true });
        return _rows;
    }

    private async Task OneByOneAsync(int[] steps, Func<NpgsqlConnection, int, CancellationToken, Task> work, CancellationToken cancel)
    {
        if (steps.Length > 0)
        {
            await using var session = await ConnectAsync(cancel);
            foreach (int i in steps)
            {
                await work(session, i, cancel);
            }
        }
    }

    /// <summary>So many sessions, each taking the largest of what is left; what shares a table stays together where the step says so.</summary>
    private async Task SideBySideAsync(int[] steps, Func<NpgsqlConnection, int, CancellationToken, Task> work, CancellationToken cancel)
    {
        var groups = new ConcurrentQueue<int[]>(steps
            .GroupBy(i => plan.Steps[i].Table ?? string.Create(CultureInfo.InvariantCulture, $" {i}"), (_, group) => group.ToArray())
            .OrderByDescending(group => group.Sum(i => plan.Steps[i].Bytes)));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var causes = new ConcurrentQueue<Exception>();
        await Task.WhenAll(Enumerable.Range(0, Math.Min(plan.Options.Parallelism, groups.Count)).Select(async _ =>
        {
            try
            {
                while (groups.TryDequeue(out int[]? group))
                {
                    await OneByOneAsync(group, work, stop.Token);
                }
            }
            catch (Exception error)
            {
                causes.Enqueue(error);
                await stop.CancelAsync(); // the others clean up too
            }
        }));
        if (causes.TryPeek(out var cause))
        {
            cancel.ThrowIfCancellationRequested();
            ExceptionDispatchInfo.Throw(cause);
        }
    }

    private async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancel)
    {
        var session = await plan.Target.ConnectAsync(cancel);
        try
        {
            // what pg_dump's statements expect
            await session.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"""
                SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = {(long)plan.Options.LockTimeout.TotalMilliseconds};
                SET standard_conforming_strings = on; SET check_function_bodies = off; SET xmloption = content; SET client_min_messages = warning; SET row_security = off; SET search_path = ''
                """), cancel);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    private async Task MakeAsync(NpgsqlConnection session, int i, CancellationToken cancel)
    {
        var step = plan.Steps[i];
        if (_rows[i].Action is not (SchemaAction.Create or SchemaAction.Complete))
        {
            Report(i);
            return;
        }

        Progress(step);
        var clock = Stopwatch.StartNew();
        try
        {
            if (step.Clear is not null)
            {
                await RunAsync(session, step.Clear, cancel);
            }

            if (step.Alone is not null)
            {
                await BuildAloneAsync(session, step, cancel);
            }

            await RunSqlAsync(session, i, cancel);
            _rows[i] = _rows[i] with { Time = clock.Elapsed };
        }
        catch (PostgresException error) when (!cancel.IsCancellationRequested)
        {
            _rows[i] = step.IsOptional && error.SqlState == PostgresErrorCodes.InsufficientPrivilege
                ? _rows[i] with { Action = SchemaAction.Skip, Reason = $"the login may not: {error.MessageText}" } : Failed(_rows[i], error);
        }

        if (step.Then.Count == 0 || _rows[i].Action == SchemaAction.Failed)
        {
            Report(i);
        }
    }

    private async Task RunSqlAsync(NpgsqlConnection session, int i, CancellationToken cancel)
    {
        var step = plan.Steps[i];
        if (step.SqlWithOwner is not null)
        {
            try
            {
                await RunAsync(session, step.SqlWithOwner, cancel);
                return;
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                _rows[i] = _rows[i] with { Reason = string.Join("; ", new[] { _rows[i].Reason, $"belongs to {plan.Target.User}: {error.MessageText}" }.Where(text => text is not null)) };
            }
        }

        if (step.Sql is not null)
        {
            await RunAsync(session, step.Sql, cancel);
        }
    }

    private async Task BuildAloneAsync(NpgsqlConnection session, SchemaStep step, CancellationToken cancel)
    {
        try
        {
            // it waits for every transaction that is older, however long
            await session.ExecuteAsync("SET lock_timeout = 0", cancel);
            await AloneAsync(session, step.Alone!, cancel);
            await session.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"SET lock_timeout = {(long)plan.Options.LockTimeout.TotalMilliseconds}"), cancel);
        }
        catch
        {
            await CleanUpAsync(step.Clear!); // an interrupted one leaves an index that is not valid
            throw;
        }
    }

    private async Task CheckAsync(NpgsqlConnection session, int i, CancellationToken cancel)
    {
        var step = plan.Steps[i];
        Progress(step);
        var clock = Stopwatch.StartNew();
        try
        {
            foreach (string statement in step.Then)
            {
                await AloneAsync(session, statement, cancel);
            }

            _rows[i] = _rows[i] with { Time = (_rows[i].Time ?? TimeSpan.Zero) + clock.Elapsed };
        }
        catch (Exception error)
        {
            await CleanUpAsync(step.Abandon);
            if (error is not PostgresException refusal || cancel.IsCancellationRequested)
            {
                throw;
            }

            _rows[i] = Failed(_rows[i], refusal);
        }

        Report(i);
    }

    /// <summary>On a session of its own, since the other may be lost, and although the work is cancelled.</summary>
    private async Task CleanUpAsync(string? statement)
    {
        if (statement is null)
        {
            return;
        }

        using var patience = new CancellationTokenSource(CleanUpPatience);
        try
        {
            await using var session = await ConnectAsync(patience.Token);
            await RunAsync(session, statement, patience.Token);
        }
        catch (Exception error) when (error is NpgsqlException or MigrationException or OperationCanceledException)
        {
            observer.Warning($"What was begun could not be removed: {error.Message} The next run does it; or run it by hand: {statement};");
        }
    }

    private static SchemaRow Failed(SchemaRow row, PostgresException error) => row with
    {
        Action = SchemaAction.Failed,
        Reason = error.SqlState == PostgresErrorCodes.LockNotAvailable ? "another session held its table for longer than -LockTimeout: run this again, or give it more time" : Redaction.Of($"{error.MessageText} ({error.SqlState})"),
    };

    // The server itself parts the statements: a function's body of SQL holds semicolons that no client should have to understand.
    private static Task RunAsync(NpgsqlConnection session, string sql, CancellationToken cancel) =>
        AloneAsync(session, SequenceStatements.Block([$"EXECUTE {DollarQuoted(sql)}"]), cancel);

    private static string DollarQuoted(string text)
    {
        string tag = "$sql$";
        for (int i = 0; text.Contains(tag, StringComparison.Ordinal); i++)
        {
            tag = string.Create(CultureInfo.InvariantCulture, $"$sql{i}$");
        }

        return $"{tag}\n{text}\n{tag}";
    }

    // A batch of one goes as it is, where a command's text would be searched for parameters.
    private static async Task AloneAsync(NpgsqlConnection session, string statement, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(session) { BatchCommands = { new(statement) } };
        await batch.ExecuteNonQueryAsync(cancel);
    }

    private void Progress(SchemaStep step) => observer.Progress(new MigrationProgress(Activity, string.Create(CultureInfo.InvariantCulture, $"{step.Row.Type} {step.Row.Name} ({Volatile.Read(ref _done)} of {_rows.Length})"))
    {
        Percent = 100 * Volatile.Read(ref _done) / Math.Max(1, _rows.Length),
    });

    private void Report(int i)
    {
        lock (_written)
        {
            if (!_written.Add(i))
            {
                return;
            }

            _done++;
        }

        written(_rows[i]);
    }
}
