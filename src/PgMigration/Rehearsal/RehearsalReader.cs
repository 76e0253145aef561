using Npgsql;

namespace PgMigration;

/// <summary>One of the app's readers: looks up the newest rows, over and over, through the pooler.</summary>
internal sealed class RehearsalReader(int number, PgServer server, CommitJournal journal)
{
    private static readonly string Lookup = $"SELECT * FROM {RehearsalTable.All[0].Name} ORDER BY {RehearsalTable.All[0].IdColumn} DESC LIMIT 20";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Reads until told to stop.</summary>
    /// <param name="stop">Ends it after the read that is under way.</param>
    /// <param name="abort">Ends it in the middle of one.</param>
    public async Task RunAsync(CancellationToken stop, CancellationToken abort)
    {
        NpgsqlConnection? connection = null;
        while (!stop.IsCancellationRequested && !abort.IsCancellationRequested)
        {
            try
            {
                connection ??= await server.ConnectAsync(abort);
                await connection.ExecuteAsync(Lookup, abort);
                journal.CountRead();
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                if (!abort.IsCancellationRequested)
                {
                    journal.Record(RehearsalWriter.FailureOf(error, journal.Now, number, pooled: true, []));
                }

                await RehearsalWriter.CloseAsync(connection);
                connection = null;
            }
            catch (OperationCanceledException)
            {
                break;
            }

            await RehearsalWriter.PauseAsync(Pause, stop);
        }

        await RehearsalWriter.CloseAsync(connection);
    }
}
