using System.Globalization;
using System.Text;
using Npgsql;

namespace PgMigration;

/// <summary>Reads what sequences and their columns hold: one round trip for all of them.</summary>
/// <remarks>
/// The statements go out together, but each is a transaction of its own: 10,000 tables with their indexes in a single one would not fit
/// the server's lock table (max_locks_per_transaction). A statement names some hundred relations, since the planner's time for one of
/// thousands grows faster than their number.
/// </remarks>
internal static class SequenceValues
{
    private const int RelationsPerStatement = 200;
    private const long LargeTable = 1L << 30;

    private sealed record Question(string Fields, string From, Action<long?, bool> Answer, Action<string> Fail, bool Alone);

    public static async Task ReadAsync(
        NpgsqlConnection connection, IEnumerable<SequenceState> states, IEnumerable<SequenceUse> uses, IMigrationObserver observer, CancellationToken cancel)
    {
        Question[] questions =
        [
            // that it gave out nothing does not tell where it starts: RESTART WITH and setval(…, false) leave that in the sequence alone
            .. states.Where(state => state.LastValue is null && state.Problem is null).Select(AboutSequence),
            .. uses.Where(use => use.IsMeasurable).Select(AboutColumn),
        ];
        foreach (var use in uses.Where(use => use.IsMeasurable && !use.Column!.IsIndexed && use.Column.TableBytes >= LargeTable))
        {
            observer.Warning(string.Create(CultureInfo.InvariantCulture,
                $"{use.Column!.Title} has no index that begins with it: its largest value is found by reading the whole table, {use.Column.TableBytes / (double)LargeTable:0.0} GB."));
        }

        await AskAllAsync(connection,
            [.. questions.Where(question => !question.Alone).Chunk(RelationsPerStatement), .. questions.Where(question => question.Alone).Chunk(1)], cancel);
    }

    /// <summary>Asks everything at once; when something was dropped or revoked since the catalog was read, in ever smaller parts until that is alone.</summary>
    private static async Task AskAllAsync(NpgsqlConnection connection, Question[][] statements, CancellationToken cancel)
    {
        try
        {
            await AskAsync(connection, statements, cancel);
        }
        catch (PostgresException error)
        {
            if (statements is [[var single]])
            {
                single.Fail(error.MessageText);
                return;
            }

            Question[][][] parts = statements.Length > 1 ? [.. statements.Select(statement => new[] { statement })] : [.. statements[0].Select(question => new Question[][] { [question] })];
            foreach (var part in parts)
            {
                await AskAllAsync(connection, part, cancel);
            }
        }
    }

    private static Question AboutSequence(SequenceState state) => new(
        "last_value, is_called",
        state.QuotedName,
        (last, isCalled) => (state.LastValue, state.IsCalled) = (last, isCalled),
        problem => state.Problem = problem,
        Alone: false);

    private static Question AboutColumn(SequenceUse use)
    {
        var (column, isAscending) = (use.Column!, use.State!.Increment > 0);
        string farthest = isAscending ? $"max({column.QuotedName})" : $"min({column.QuotedName})";
        if (column.BaseType == "numeric")
        {
            // may hold what no sequence can: the nearest that one can, so that it counts as beyond its limit
            farthest = isAscending ? $"ceil(least({farthest}, 9223372036854775807))" : $"floor(greatest({farthest}, -9223372036854775808))";
        }

        return new Question(
            $"{farthest}::bigint, true",
            column.QuotedTable,
            (value, _) => use.Farthest = value,
            problem => use.Detail = $"its largest value could not be read: {problem}",
            Alone: column.HasChildren);
    }

    private static async Task AskAsync(NpgsqlConnection connection, IReadOnlyList<Question[]> statements, CancellationToken cancel)
    {
        if (statements.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection) { EnableErrorBarriers = true };
        foreach (var questions in statements)
        {
            var sql = new StringBuilder();
            for (int i = 0; i < questions.Length; i++)
            {
                sql.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? string.Empty : "\nUNION ALL ")}SELECT {i}, {questions[i].Fields} FROM {questions[i].From}");
            }

            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT set_config('jit', 'off', true)") { AppendErrorBarrier = false });
            batch.BatchCommands.Add(new NpgsqlBatchCommand(sql.ToString()));
        }

        await using var reader = await batch.ExecuteReaderAsync(cancel);
        foreach (var questions in statements)
        {
            await reader.NextResultAsync(cancel);
            while (await reader.ReadAsync(cancel))
            {
                questions[reader.GetInt32(0)].Answer(await reader.IsDBNullAsync(1, cancel) ? null : reader.GetInt64(1), reader.GetBoolean(2));
            }

            await reader.NextResultAsync(cancel);
        }
    }
}
