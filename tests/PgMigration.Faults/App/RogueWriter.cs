namespace PgMigration.Faults;

/// <summary>Somebody whom nobody told: connects, overrides the read-only default, writes, disconnects, without a pause, for as long as it is let.</summary>
internal sealed class RogueWriter(int number, PgServer server, CommitJournal journal)
{
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            long token = journal.NextToken(number);
            try
            {
                await using var connection = await server.ConnectAsync("-c default_transaction_read_only=off -c synchronous_commit=off", limit.Token);
                var (row, port, timeline) = await FaultyWrite.InsertAsync(connection, "begin read write", number, token, limit.Token);
                var sentAt = journal.Now;
                await connection.ExecuteAsync("commit", limit.Token);
                journal.Record(new AcknowledgedCommit(number, WriterKind.Straight, sentAt, journal.Now, port, timeline, [row]));
            }
            catch (Exception error) when (FaultyWrite.IsExpected(error))
            {
                journal.Record(RehearsalWriter.FailureOf(error, journal.Now, number, pooled: false, [token]));
                await RehearsalWriter.PauseAsync(TimeSpan.FromMilliseconds(2), stop);
            }
        }
    }
}
