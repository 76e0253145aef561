using Npgsql;
using NpgsqlTypes;

namespace PgMigration.LocalDms;

/// <summary>
/// Applies transactions of the source one after the other, in their order: several of them in one transaction of the target, and how far the
/// task is with them, so that a kill at any moment loses nothing and doubles nothing.
/// </summary>
/// <param name="task">The task.</param>
/// <param name="target">A session on the target, this one's alone.</param>
/// <param name="carefulUntil">Up to this transaction each row is tried by itself: one of them was refused before.</param>
internal sealed class ChangeApply(TaskContext task, NpgsqlConnection target, Lsn carefulUntil)
{
    private const int RowsInRoundTrip = 250;
    private const string Savepoint = "one_row";

    private readonly RowStatements _statements = new(task.Rules);
    private readonly List<RowStatement> _pending = [];
    private readonly List<(RowChange Change, bool IsApplied)> _counts = [];
    private readonly Dictionary<TableRun, string> _suspended = [];
    private NpgsqlTransaction? _transaction;
    private Lsn _commit;
    private Lsn? _end;

    /// <summary>Rows since the last commit.</summary>
    public int Rows => _counts.Count;

    /// <summary>Whether the last transaction that was added is whole.</summary>
    public bool IsAtBoundary { get; private set; } = true;

    /// <summary>Whether something waits for a commit.</summary>
    public bool HasUncommitted => _transaction is not null || _end is not null;

    /// <summary>Makes the session one whose commits last.</summary>
    public Task PrepareAsync(CancellationToken cancel) => target.RunAsync("SET synchronous_commit = on", cancel);

    /// <summary>Takes a transaction of the source, or a piece of one.</summary>
    /// <exception cref="ApplyConflict">The target refused a row.</exception>
    /// <exception cref="TaskFailure">A policy says that the task ends.</exception>
    public async Task AddAsync(SourceTransaction transaction, CancellationToken cancel)
    {
        _commit = transaction.CommitLsn;
        bool isCareful = _commit <= carefulUntil;
        foreach (var change in transaction.Changes)
        {
            if (change.Table.Run.IsSuspended || _suspended.ContainsKey(change.Table.Run))
            {
                continue;
            }

            int before = _pending.Count;
            _pending.AddRange(_statements.For(change));
            if (_pending.Count == before)
            {
                Count(change, isApplied: false); // a change that DMS does not make
            }
            else if (isCareful)
            {
                await ApplyAloneAsync(cancel);
            }
            else if (_pending.Count >= RowsInRoundTrip)
            {
                await ApplyAsync(cancel);
            }
        }

        IsAtBoundary = transaction.EndLsn is not null;
        _end = transaction.EndLsn ?? _end;
    }

    /// <summary>Commits what was added, together with how far the task is.</summary>
    /// <returns>The end of the last transaction, up to which the source need not keep its log.</returns>
    /// <exception cref="ApplyConflict">The target refused a row.</exception>
    /// <exception cref="TaskFailure">A policy says that the task ends.</exception>
    public async Task<Lsn> CommitAsync(CancellationToken cancel)
    {
        var end = _end!.Value;
        await ApplyAsync(cancel);
        if (_transaction is not null)
        {
            if (await target.RunAsync(task.Control.ProgressStatement, cancel, end.ToString()) != 1)
            {
                throw new TaskFailure($"The target's table awsdms_local_progress has no row of this task any more, so nobody knows what has been applied. Start the task with reload-target.");
            }

            await _transaction.CommitAsync(cancel);
            await _transaction.DisposeAsync();
            _transaction = null;
        }

        foreach (var (change, isApplied) in _counts)
        {
            change.Table.Run.CountRead(change.Kind);
            if (isApplied)
            {
                change.Table.Run.CountApplied(change.Kind);
            }

            task.Validation.Touch(change);
        }

        foreach (var (table, reason) in _suspended)
        {
            task.MarkSuspended(table, reason);
        }

        _counts.Clear();
        _suspended.Clear();
        _end = null;
        return end;
    }

    private async Task ApplyAsync(CancellationToken cancel)
    {
        if (_pending.Count == 0)
        {
            return;
        }

        _transaction ??= await target.BeginTransactionAsync(cancel);
        await using var batch = new NpgsqlBatch(target, _transaction);
        foreach (var statement in _pending)
        {
            batch.BatchCommands.Add(ToCommand(statement));
        }

        try
        {
            await batch.ExecuteNonQueryAsync(cancel);
        }
        catch (PostgresException error) when (!Trouble.IsPassing(error))
        {
            throw new ApplyConflict(_commit, error.MessageText);
        }

        for (int i = 0; i < _pending.Count; i++)
        {
            var statement = _pending[i];
            bool isApplied = statement.Change.Kind == ChangeKind.Insert || batch.BatchCommands[i].RecordsAffected > 0;
            if (!isApplied && PolicyForMissing(statement) is ErrorPolicy.InsertRecord or ErrorPolicy.SuspendTable)
            {
                throw new ApplyConflict(_commit, "0 rows affected");
            }

            if (!isApplied)
            {
                await SkipAsync(statement, PolicyForMissing(statement), "0 rows affected", cancel);
            }

            if (!statement.IsSecond)
            {
                Count(statement.Change, isApplied);
            }
        }

        _pending.Clear();
    }

    // One change, tried by itself: what the target refuses is undone, and the policy decides.
    private async Task ApplyAloneAsync(CancellationToken cancel)
    {
        _transaction ??= await target.BeginTransactionAsync(cancel);
        var statements = _pending.ToArray();
        _pending.Clear();
        var change = statements[0].Change;
        await target.RunAsync($"SAVEPOINT {Savepoint}", cancel);
        bool isApplied = true;
        foreach (var statement in statements)
        {
            try
            {
                int rows = await RunAsync(statement, cancel);
                if (rows == 0 && !statement.IsSecond && change.Kind != ChangeKind.Insert)
                {
                    isApplied = await MendAsync(statement, PolicyForMissing(statement), "0 rows affected", cancel);
                }
            }
            catch (PostgresException error) when (!Trouble.IsPassing(error))
            {
                await target.RunAsync($"ROLLBACK TO {Savepoint}", cancel);
                isApplied = await MendAsync(statement, PolicyFor(statement, error), $"{error.SqlState}: {error.MessageText}", cancel);
                break;
            }
        }

        await target.RunAsync($"RELEASE {Savepoint}", cancel);
        Count(change, isApplied);
    }

    // True when the row came to be after all.
    private async Task<bool> MendAsync(RowStatement statement, ErrorPolicy policy, string error, CancellationToken cancel)
    {
        var other = policy switch
        {
            ErrorPolicy.InsertRecord => _statements.InsertFor(statement.Change),
            ErrorPolicy.UpdateRecord => _statements.UpdateFor(statement.Change),
            _ => null,
        };
        if (other is not null)
        {
            try
            {
                return await RunAsync(other, cancel) > 0;
            }
            catch (PostgresException refused) when (!Trouble.IsPassing(refused))
            {
                await target.RunAsync($"ROLLBACK TO {Savepoint}", cancel);
                error = $"{refused.SqlState}: {refused.MessageText}";
                policy = ErrorPolicy.LogError;
            }
        }

        await SkipAsync(statement, policy, error, cancel);
        return false;
    }

    private async Task SkipAsync(RowStatement statement, ErrorPolicy policy, string error, CancellationToken cancel)
    {
        var table = statement.Change.Table.Run;
        switch (policy)
        {
            case ErrorPolicy.IgnoreRecord:
                break;
            case ErrorPolicy.SuspendTable:
                await task.Control.SuspendAsync(target, table.Name, error, cancel);
                _suspended[table] = error;
                break;
            case ErrorPolicy.StopTask:
                throw new TaskFailure($"A change of {table.Name} could not be applied: {error}. The policy for it is STOP_TASK.");
            default:
                await task.Control.WriteExceptionAsync(target, table.Name, statement.Text, error, cancel);
                break;
        }
    }

    private ErrorPolicy PolicyForMissing(RowStatement statement) => task.Settings.Policy(statement.Change.Kind == ChangeKind.Update ? "ApplyErrorUpdatePolicy" : "ApplyErrorDeletePolicy");

    private ErrorPolicy PolicyFor(RowStatement statement, PostgresException error) => task.Settings.Policy(
        Trouble.ConcernsTable(error) ? "TableErrorPolicy"
        : error.SqlState == PostgresErrorCodes.StringDataRightTruncation ? "DataTruncationErrorPolicy"
        : Trouble.ConcernsValue(error) ? "DataErrorPolicy"
        : statement.Change.Kind switch { ChangeKind.Insert => "ApplyErrorInsertPolicy", ChangeKind.Update => "ApplyErrorUpdatePolicy", _ => "ApplyErrorDeletePolicy" });

    private void Count(RowChange change, bool isApplied) => _counts.Add((change, isApplied));

    private async Task<int> RunAsync(RowStatement statement, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(target, _transaction);
        batch.BatchCommands.Add(ToCommand(statement));
        return await batch.ExecuteNonQueryAsync(cancel);
    }

    private static NpgsqlBatchCommand ToCommand(RowStatement statement)
    {
        var command = new NpgsqlBatchCommand(statement.Sql);
        foreach (string? value in statement.Values)
        {
            // of no type: the server reads the text as what the column is
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Unknown, Value = value ?? (object)DBNull.Value });
        }

        return command;
    }
}
