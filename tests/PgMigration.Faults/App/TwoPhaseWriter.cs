using System.Globalization;
using Npgsql;

namespace PgMigration.Faults;

/// <summary>A transaction manager: prepares, then commits what it prepared, and finishes from wherever it was cut off, whatever the server's defaults.</summary>
internal sealed class TwoPhaseWriter(int number, PgServer server, CommitJournal journal)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(400);

    public async Task RunAsync(CancellationToken stop)
    {
        NpgsqlConnection? connection = null;
        (string Gid, WrittenRow Row, int Port, uint Timeline)? prepared = null;
        for (int turn = 1; !stop.IsCancellationRequested || prepared is not null; turn++)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            long token = 0;
            try
            {
                connection ??= await server.ConnectAsync("-c default_transaction_read_only=off", limit.Token);
                if (prepared is null)
                {
                    string gid = string.Create(CultureInfo.InvariantCulture, $"faults-{number}-{turn}");
                    token = journal.NextToken(number);
                    var (row, port, timeline) = await FaultyWrite.InsertAsync(connection, "begin", number, token, limit.Token);
                    await connection.ExecuteAsync($"prepare transaction '{gid}'", limit.Token);
                    prepared = (gid, row, port, timeline);
                }

                var sentAt = journal.Now;
                var done = prepared.Value;
                await connection.ExecuteAsync($"commit prepared '{done.Gid}'", limit.Token);
                prepared = null;
                journal.Record(new AcknowledgedCommit(number, WriterKind.Straight, sentAt, journal.Now, done.Port, done.Timeline, [done.Row]));
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UndefinedObject)
            {
                prepared = null; // the server finished it before it could say so, or lost it in a crash: not acknowledged
            }
            catch (Exception error) when (FaultyWrite.IsExpected(error))
            {
                journal.Record(RehearsalWriter.FailureOf(error, journal.Now, number, pooled: false, token == 0 ? [] : [token]));
                await RehearsalWriter.CloseAsync(connection);
                connection = null;
                if (stop.IsCancellationRequested)
                {
                    break; // what is left prepared is the verdict's business
                }
            }

            await RehearsalWriter.PauseAsync(Pause, stop);
        }

        await RehearsalWriter.CloseAsync(connection);
    }
}
