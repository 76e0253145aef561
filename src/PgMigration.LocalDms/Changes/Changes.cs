using System.Diagnostics;
using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>Moves changes from the source's log to the target, for as long as the task runs.</summary>
/// <param name="task">The task.</param>
/// <param name="slot">Its slot.</param>
internal sealed class Changes(TaskContext task, SourceSlot slot)
{
    private const int RowsInCommit = 2000;

    private static readonly TimeSpan CommitAtLatest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>Up to where the log has been applied, as far as this process knows.</summary>
    public Lsn Applied { get; private set; }

    /// <summary>Runs until something ends it.</summary>
    /// <param name="end">When it ends by itself.</param>
    /// <param name="isInterrupted">Asked between transactions: whether the task has something else to do first.</param>
    /// <param name="cancel">Stops it; what was not committed is read again later.</param>
    /// <returns>The reason to stop; null when it was interrupted.</returns>
    public async Task<string?> RunAsync(StreamEnd end, Func<bool> isInterrupted, CancellationToken cancel)
    {
        var careful = Lsn.Zero;
        while (true)
        {
            try
            {
                return await RunAsync(end, isInterrupted, careful, cancel);
            }
            catch (ApplyConflict conflict)
            {
                task.Log($"A row of the transaction at {conflict.CommitLsn} was refused ({conflict.Message}): reading again, row by row.");
                careful = conflict.CommitLsn;
            }
        }
    }

    private async Task<string?> RunAsync(StreamEnd end, Func<bool> isInterrupted, Lsn careful, CancellationToken cancel)
    {
        await using var target = await task.ConnectTargetAsync(cancel);
        Applied = await task.Control.ReadProgressAsync(target, cancel)
            ?? throw new TaskFailure("The target's table awsdms_local_progress has no row of this task, so nobody knows what has been applied. Start the task with reload-target.");
        TimeSpan senderTimeout;
        bool tellsPrepared;
        IReadOnlyList<string> publications;
        await using (var source = await task.ConnectSourceAsync(cancel))
        {
            tellsPrepared = await slot.CheckAsync(source, cancel);
            publications = await slot.PublicationsAsync(source, cancel);
            senderTimeout = TimeSpan.FromMilliseconds(await source.AskAsync<int>("SELECT setting::int FROM pg_settings WHERE name = 'wal_sender_timeout'", cancel));
        }

        var tables = new LoggedTables(task);
        await tables.ReadCatalogsAsync(cancel);
        var apply = new ChangeApply(task, target, careful);
        await apply.PrepareAsync(cancel);
        await using var stream = await ChangeStream.OpenAsync(task, tables, new(publications, Applied, end, senderTimeout, tellsPrepared), cancel);
        return await PumpAsync(stream, apply, end, isInterrupted, cancel);
    }

    private async Task<string?> PumpAsync(ChangeStream stream, ChangeApply apply, StreamEnd end, Func<bool> isInterrupted, CancellationToken cancel)
    {
        long taken = 0;
        Task<bool>? more = null;
        var sinceCommit = Stopwatch.StartNew();
        while (true)
        {
            if (stream.Transactions.TryRead(out var transaction))
            {
                await apply.AddAsync(transaction, cancel);
                taken += transaction.EndLsn is null ? 0 : 1;
                if (!apply.IsAtBoundary || (apply.Rows < RowsInCommit && sinceCommit.Elapsed < CommitAtLatest))
                {
                    continue;
                }
            }

            if (apply.HasUncommitted && apply.IsAtBoundary)
            {
                Confirm(stream, await apply.CommitAsync(cancel));
                sinceCommit.Restart();
                task.Changed();
            }

            if (apply.IsAtBoundary && isInterrupted())
            {
                return null;
            }

            if (apply.IsAtBoundary && end.HasServerTimePassed)
            {
                return StreamEnd.AtServerTime;
            }

            if (transaction is not null)
            {
                continue;
            }

            // The order matters: whatever had arrived by the position was begun by now, and applied if nothing is missing.
            var received = stream.Received;
            if (stream.Begun == taken)
            {
                Confirm(stream, received);
                if (end.ReasonToEndAt(received) is { } reason)
                {
                    return reason;
                }

                if (end.HasCommitTimePassed)
                {
                    return StreamEnd.AtCommitTime;
                }
            }

            more ??= stream.Transactions.WaitToReadAsync(cancel).AsTask();
            if (await Task.WhenAny(more, Task.Delay(Look, cancel)) == more)
            {
                bool isOpen = await more;
                more = null;
                if (!isOpen)
                {
                    return stream.EndReason ?? throw new NpgsqlException("The source ended the stream of changes.");
                }
            }
        }
    }

    private void Confirm(ChangeStream stream, Lsn lsn)
    {
        if (lsn > Applied)
        {
            Applied = lsn;
        }

        stream.Confirm(Applied);
    }
}
