using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace PgMigration;

/// <summary>Carries a plan out: the catalog's changes in one round trip, the moves in another.</summary>
internal static class SequenceChanges
{
    private const int SequencesPerTransaction = 500;
    private const int CommandsEach = 4;

    /// <summary>
    /// Moves each sequence to where it must stand, and never backwards: it reads the position in the same statement, and where less than a
    /// hundred steps are missing it takes them with nextval, since there a busy application could overtake us between the reading and the
    /// setting. $1 names, $2 positions, $3 increments, $4 positions as planned (for one that has given out nothing since).
    /// </summary>
    private const string Move = """
        SELECT wanted.i::int, CASE
            WHEN sign(increment) * (own - position) >= 0 THEN own
            WHEN abs(position - own) <= 100 * abs(increment) THEN (SELECT (array_agg(v))[count(v)] FROM (SELECT nextval(name::regclass) AS v FROM generate_series(1, (position - own) / increment)) taken)::numeric
            ELSE setval(name::regclass, position::bigint)::numeric END
        FROM unnest($1::text[], $2::numeric[], $3::numeric[], $4::numeric[]) WITH ORDINALITY AS wanted(name, position, increment, planned, i),
            LATERAL (SELECT coalesce(pg_sequence_last_value(name::regclass)::numeric, planned) AS own) now
        """;

    public static async Task<IReadOnlyList<SequenceRepairRow>> ApplyAsync(NpgsqlConnection connection, SequencePlan plan, IMigrationObserver observer, CancellationToken cancel)
    {
        var rows = plan.Rows.ToArray();
        await RefuseStandbyAsync(connection, plan.Target, cancel);
        int[] changes = [.. Enumerable.Range(0, rows.Length).Where(i => plan.Steps[i].Statements.Count > 0)];
        if (changes.Length > 0)
        {
            observer.Progress(new MigrationProgress("Repairing sequences", string.Create(CultureInfo.InvariantCulture, $"making {changes.Length} sequences")));
            await RunAsync(connection, plan, [.. changes.Select(i => new NpgsqlBatchCommand(SequenceStatements.Block(plan.Steps[i].Statements)))],
                (at, error) => rows[changes[at]] = Failure(rows[changes[at]], error), cancel);
        }

        // several columns may share a sequence: it is moved once, and its row for each shows the same
        var moves = Enumerable.Range(0, rows.Length).Where(i => plan.Steps[i].MoveTo is not null && rows[i].Action != SequenceAction.Failed)
            .GroupBy(i => rows[i].Sequence).Select(group => group.ToArray()).ToArray();
        observer.Progress(new MigrationProgress("Repairing sequences", string.Create(CultureInfo.InvariantCulture, $"moving {moves.Length} sequences forward")));
        await MoveAsync(connection, plan, rows, moves, cancel);

        // the commits before were not waited for; this one is, and with it they are safe
        await using var last = new NpgsqlBatch(connection)
        {
            BatchCommands = { new("BEGIN READ WRITE"), new("SELECT set_config('synchronous_commit', 'on', true), txid_current()"), new("COMMIT") },
        };
        await last.ExecuteNonQueryAsync(cancel);
        observer.Progress(new MigrationProgress("Repairing sequences", "done") { Completed = true });
        return rows;
    }

    private static async Task RefuseStandbyAsync(NpgsqlConnection connection, PgServer target, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT pg_is_in_recovery()", connection);
        if (await command.ExecuteScalarAsync(cancel) is true)
        {
            throw new MigrationException("TargetReadOnly", MigrationErrorKind.InvalidOperation, $"{target} is a standby: its sequences follow its primary's. Promote it first.");
        }
    }

    private static async Task MoveAsync(NpgsqlConnection connection, SequencePlan plan, SequenceRepairRow[] rows, int[][] moves, CancellationToken cancel)
    {
        if (moves.Length == 0)
        {
            return;
        }

        int[][][] chunks = [.. moves.Chunk(SequencesPerTransaction)];
        try
        {
            await using var batch = Batch(connection, plan, chunks.Select(chunk => MoveCommand(plan, chunk)));
            await using var reader = await batch.ExecuteReaderAsync(cancel);
            foreach (int[][] chunk in chunks)
            {
                await reader.NextResultAsync(cancel); // past the settings
                while (await reader.ReadAsync(cancel))
                {
                    long after = (long)reader.GetDecimal(1);
                    foreach (int i in chunk[reader.GetInt32(0) - 1])
                    {
                        rows[i] = rows[i] with { After = after };
                    }
                }

                await reader.NextResultAsync(cancel);
            }
        }
        catch (PostgresException)
        {
            // one of them refused (dropped, another's): each for itself tells which, and moving again those that moved does nothing
            await RunAsync(connection, plan, [.. moves.Select(move => MoveCommand(plan, [move]))],
                (at, error) => Array.ForEach(moves[at], i => rows[i] = Failure(rows[i], error)), cancel);
        }
    }

    private static NpgsqlBatchCommand MoveCommand(SequencePlan plan, int[][] moves)
    {
        SequenceStep[] steps = [.. moves.Select(move => plan.Steps[move[0]])];
        return new NpgsqlBatchCommand(Move)
        {
            Parameters =
            {
                new() { Value = steps.Select(step => step.Row.Sequence).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = steps.Select(step => (decimal)step.MoveTo!.Value).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Numeric },
                new() { Value = steps.Select(step => (decimal)step.Increment).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Numeric },
                new() { Value = steps.Select(step => (decimal)step.Own).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Numeric },
            },
        };
    }

    /// <summary>
    /// Each command in a transaction of its own, all in one round trip. What is set is set for that transaction only: through a transaction
    /// pooler a session's settings would stay with whichever application gets the connection next.
    /// </summary>
    private static NpgsqlBatch Batch(NpgsqlConnection connection, SequencePlan plan, IEnumerable<NpgsqlBatchCommand> commands)
    {
        var batch = new NpgsqlBatch(connection);
        string settings = string.Create(CultureInfo.InvariantCulture,
            $"SELECT set_config('lock_timeout', '{(long)plan.Options.LockTimeout.TotalMilliseconds}', true), set_config('synchronous_commit', 'off', true), set_config('statement_timeout', '0', true)");
        foreach (var command in commands)
        {
            // a fenced target is read-only by default, and its sequences must be right before the fence is lifted
            batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN READ WRITE"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand(settings));
            command.AppendErrorBarrier = true;
            batch.BatchCommands.Add(command);
            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT") { AppendErrorBarrier = true }); // rolls back when the command failed
        }

        return batch;
    }

    /// <summary>Runs commands, and tells of each that failed.</summary>
    private static async Task RunAsync(
        NpgsqlConnection connection, SequencePlan plan, IReadOnlyList<NpgsqlBatchCommand> commands, Action<int, PostgresException> failed, CancellationToken cancel)
    {
        await using var batch = Batch(connection, plan, commands);
        try
        {
            await batch.ExecuteNonQueryAsync(cancel);
        }
        catch (PostgresException error)
        {
            Report(error);
        }
        catch (NpgsqlException error) when (error.InnerException is AggregateException { InnerExceptions: var errors } && errors.All(inner => inner is PostgresException))
        {
            errors.Cast<PostgresException>().ToList().ForEach(Report);
        }

        void Report(PostgresException error) => failed(batch.BatchCommands.IndexOf((NpgsqlBatchCommand)error.BatchCommand!) / CommandsEach, error);
    }

    private static SequenceRepairRow Failure(SequenceRepairRow row, PostgresException error) =>
        row with { Action = SequenceAction.Failed, After = row.Before, Detail = $"PostgreSQL refused: {error.MessageText} (SQLSTATE {error.SqlState})" };
}
