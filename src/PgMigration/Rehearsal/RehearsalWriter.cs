using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>One of the app's writers: commits at a steady rate in the way of its kind, and tells the journal what came of it.</summary>
internal sealed class RehearsalWriter(int number, WriterKind kind, PgServer server, CommitJournal journal, TimeSpan interval)
{
    private const int RowsOfPrepared = 4;

    // a transaction of a prepared writer stays open for about 100 ms
    private static readonly TimeSpan ThinkTime = TimeSpan.FromMilliseconds(30);

    // what a refused writer waits before it tries again: often enough to find a hole in a fence, seldom enough not to be load
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(25);

    private readonly List<WrittenRow> _rows = [];
    private readonly List<long> _tokens = [];
    private long _turn = number;
    private int _port;
    private uint _timeline;

    private bool Pooled => kind != WriterKind.Straight;

    /// <summary>Writes until told to stop.</summary>
    /// <param name="stop">Ends it after the transaction that is under way.</param>
    /// <param name="abort">Ends it in the middle of one.</param>
    public async Task RunAsync(CancellationToken stop, CancellationToken abort)
    {
        NpgsqlConnection? connection = null;
        long next = Stopwatch.GetTimestamp();
        while (!stop.IsCancellationRequested && !abort.IsCancellationRequested)
        {
            var pause = AfterFailure;
            _rows.Clear();
            _tokens.Clear();
            try
            {
                // the straight writer's session begins with the read-only default overridden, and overrides it again in each transaction
                connection ??= await server.ConnectAsync(Pooled ? null : "-c default_transaction_read_only=off", abort);
                var sentAt = await CommitOnceAsync(connection, abort);
                journal.Record(new AcknowledgedCommit(number, kind, sentAt, journal.Now, _port, _timeline, [.. _rows]));

                // a steady rate, without a burst to make up for a time of waiting
                next = Math.Max(next + (long)(interval.TotalSeconds * Stopwatch.Frequency), Stopwatch.GetTimestamp());
                pause = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next);
            }
            catch (OperationCanceledException) when (abort.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error) when (error is NpgsqlException or MigrationException or IOException or InvalidOperationException or TimeoutException)
            {
                if (abort.IsCancellationRequested)
                {
                    break; // a query that we ourselves cancelled
                }

                journal.Record(FailureOf(error, journal.Now, number, Pooled, [.. _tokens]));
                connection = await RecoverAsync(connection, abort);
            }

            await PauseAsync(pause, stop);
        }

        await CloseAsync(connection);
    }

    /// <summary>An error as the journal keeps it: with the server's code, wherever in the chain of causes it is.</summary>
    internal static AppFailure FailureOf(Exception error, DateTime at, int writer, bool pooled, IReadOnlyList<long> tokens)
    {
        string? state = null;
        for (var cause = error; cause is not null && state is null; cause = cause.InnerException)
        {
            state = (cause as PostgresException)?.SqlState;
        }

        return new AppFailure(at, writer, pooled, state, error.Message, tokens);
    }

    internal static async Task PauseAsync(TimeSpan pause, CancellationToken stop)
    {
        if (pause > TimeSpan.Zero)
        {
            await Task.Delay(pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    internal static async Task CloseAsync(NpgsqlConnection? connection)
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    /// <summary>One transaction; returns when the request that commits was sent.</summary>
    private Task<DateTime> CommitOnceAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        int table = (int)(_turn++ % RehearsalTable.All.Count);
        return kind switch
        {
            WriterKind.Plain => InsertAsync(connection, table, cancel),
            WriterKind.Asynchronous => InTransactionAsync(connection, ["BEGIN", "SET LOCAL synchronous_commit = off"], () => InsertAsync(connection, table, cancel), cancel),
            WriterKind.Prepared => InTransactionAsync(connection, ["BEGIN"], () => InsertPreparedAsync(connection, table, cancel), cancel),
            _ => (_turn / RehearsalTable.All.Count % 4) switch
            {
                0 => InsertAfterAsync(connection, table, "SET default_transaction_read_only = off", cancel),
                1 => InTransactionAsync(connection, ["BEGIN READ WRITE"], () => InsertAsync(connection, table, cancel), cancel),
                2 => InTransactionAsync(connection, ["BEGIN", "SET TRANSACTION READ WRITE", "SET LOCAL synchronous_commit = off"], () => InsertAsync(connection, table, cancel), cancel),
                _ => InTransactionAsync(connection, ["BEGIN READ WRITE"], () => InsertPreparedAsync(connection, table, cancel), cancel),
            },
        };
    }

    private async Task<DateTime> InsertAfterAsync(NpgsqlConnection connection, int table, string setting, CancellationToken cancel)
    {
        await connection.ExecuteAsync(setting, cancel);
        return await InsertAsync(connection, table, cancel);
    }

    private async Task<DateTime> InTransactionAsync(NpgsqlConnection connection, string[] opening, Func<Task> work, CancellationToken cancel)
    {
        foreach (string statement in opening)
        {
            await connection.ExecuteAsync(statement, cancel);
        }

        await work();
        var sentAt = journal.Now;
        await connection.ExecuteAsync("COMMIT", cancel);
        return sentAt;
    }

    private async Task<DateTime> InsertAsync(NpgsqlConnection connection, int table, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(RehearsalTable.All[table].InsertStatement("$1", "$2", "$3"), connection)
        {
            Parameters = { new() { Value = NewToken() }, new() { Value = number }, new() { Value = kind.ToString() } },
        };
        var sentAt = journal.Now;
        await ReadRowAsync(command, table, cancel);
        return sentAt;
    }

    private async Task InsertPreparedAsync(NpgsqlConnection connection, int table, CancellationToken cancel)
    {
        // EXECUTE takes no protocol parameters: what is put into its text are numbers of our own.
        // The name is never used twice: after an error the statement stays behind in the pooler's server connection.
        string name = string.Create(CultureInfo.InvariantCulture, $"app_{number}_{_turn}");
        await connection.ExecuteAsync($"PREPARE {name}(bigint, int, text) AS {RehearsalTable.All[table].InsertStatement("$1", "$2", "$3")}", cancel);
        for (int row = 0; row < RowsOfPrepared; row++)
        {
            if (row > 0)
            {
                await Task.Delay(ThinkTime, cancel);
            }

            await using var command = new NpgsqlCommand(string.Create(CultureInfo.InvariantCulture, $"EXECUTE {name}({NewToken()}, {number}, 'Prepared')"), connection);
            await ReadRowAsync(command, table, cancel);
        }

        await connection.ExecuteAsync($"DEALLOCATE {name}", cancel);
    }

    private long NewToken()
    {
        long token = journal.NextToken(number);
        _tokens.Add(token);
        return token;
    }

    private async Task ReadRowAsync(NpgsqlCommand command, int table, CancellationToken cancel)
    {
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        _rows.Add(new WrittenRow(table, reader.GetInt64(0), _tokens[^1]));
        _port = reader.GetInt32(1);
        _timeline = uint.Parse(reader.GetString(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

        // the row comes before the commit: only ReadyForQuery, which is read here and not when the reader is closed, acknowledges it
        while (await reader.NextResultAsync(cancel))
        {
        }
    }

    /// <summary>The same session when it can go on, so that open sessions are tried against the fence too; null to make a new one.</summary>
    private static async Task<NpgsqlConnection?> RecoverAsync(NpgsqlConnection? connection, CancellationToken cancel)
    {
        try
        {
            if (connection is { FullState: System.Data.ConnectionState.Open })
            {
                await connection.ExecuteAsync("ROLLBACK", cancel);
                return connection;
            }
        }
        catch (Exception error) when (error is NpgsqlException or IOException or InvalidOperationException or OperationCanceledException)
        {
            // it is of no use any more
        }

        await CloseAsync(connection);
        return null;
    }
}
