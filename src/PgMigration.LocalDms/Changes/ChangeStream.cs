using System.Threading.Channels;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace PgMigration.LocalDms;

/// <summary>Reads the source's log through the slot: transactions in the order of their commits.</summary>
/// <remarks>
/// Never in streaming mode, which hands out rows of transactions that are rolled back later: so protocol version 1, or 3 where the slot tells
/// prepared transactions apart. The positions that messages carry are not used,
/// since those of Relation and of transactions with an origin are 0/0; a transaction's own are in its Begin and Commit.
/// </remarks>
internal sealed class ChangeStream : IAsyncDisposable
{
    private const int PieceLength = 200;
    private const int PiecesAhead = 500;

    private readonly TaskContext _task;
    private readonly LoggedTables _tables;
    private readonly LogicalReplicationConnection _connection;
    private readonly Channel<SourceTransaction> _channel = Channel.CreateBounded<SourceTransaction>(new BoundedChannelOptions(PiecesAhead) { SingleReader = true, SingleWriter = true });
    private readonly StreamRequest _request;
    private readonly CancellationTokenSource _stop = new();
    private Task? _reading;
    private long _begun;

    private ChangeStream(TaskContext task, LoggedTables tables, LogicalReplicationConnection connection, StreamRequest request)
    {
        _task = task;
        _tables = tables;
        _connection = connection;
        _request = request;
    }

    /// <summary>The transactions.</summary>
    public ChannelReader<SourceTransaction> Transactions => _channel.Reader;

    /// <summary>How many transactions have begun to arrive.</summary>
    public long Begun => Interlocked.Read(ref _begun);

    /// <summary>Up to where the log has arrived, transactions or not.</summary>
    public Lsn Received => new((ulong)_connection.LastReceivedLsn);

    /// <summary>Why reading ended by itself; null while it goes on.</summary>
    public string? EndReason { get; private set; }

    /// <summary>Asks for the log from a position on.</summary>
    /// <param name="task">The task.</param>
    /// <param name="tables">Its tables.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public static async Task<ChangeStream> OpenAsync(TaskContext task, LoggedTables tables, StreamRequest request, CancellationToken cancel)
    {
        var connection = new LogicalReplicationConnection(task.Source.ConnectionString(task.SourceName)) { WalReceiverStatusInterval = request.StatusInterval };
        var stream = new ChangeStream(task, tables, connection, request);
        try
        {
            await connection.Open(cancel);
            connection.SetReplicationStatus(new NpgsqlLogSequenceNumber(request.Start.Position));
            stream._reading = Task.Run(stream.ReadAsync, CancellationToken.None);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>Tells the source that it need not keep the log up to here.</summary>
    public void Confirm(Lsn lsn) => _connection.SetReplicationStatus(new NpgsqlLogSequenceNumber(lsn.Position));

    /// <summary>Ends reading.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _channel.Writer.TryComplete();
        try
        {
            await (_reading ?? Task.CompletedTask);
        }
        catch (Exception error) when (error is not TaskFailure)
        {
            // the one who reads the channel has had it
        }

        try
        {
            await _connection.DisposeAsync();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // a broken stream cannot be closed either, and the driver says so in many ways
        }

        _stop.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            var options = _request.TellsPrepared
                ? new PgOutputReplicationOptions(_request.Publications, PgOutputProtocolVersion.V3, streamingMode: PgOutputStreamingMode.Off, twoPhase: true)
                : new PgOutputReplicationOptions(_request.Publications, PgOutputProtocolVersion.V1);
            var messages = _connection.StartReplication(new PgOutputReplicationSlot(_task.SlotName), options, _stop.Token, new NpgsqlLogSequenceNumber(_request.Start.Position));
            await ReadAsync(messages);
            _channel.Writer.TryComplete();
        }
        catch (Exception error)
        {
            _channel.Writer.TryComplete(error);
        }
    }

    private async Task ReadAsync(IAsyncEnumerable<PgOutputReplicationMessage> messages)
    {
        var changes = new List<RowChange>();
        Lsn commit = default;
        DateTime time = default;
        bool isPrepared = false;
        await foreach (var message in messages)
        {
            switch (message)
            {
                case BeginMessage begin:
                    commit = new Lsn((ulong)begin.TransactionFinalLsn);
                    time = begin.TransactionCommitTimestamp;
                    if (_request.End.ReasonToEndBefore(commit, time) is { } reason)
                    {
                        EndReason = reason;
                        return;
                    }

                    Interlocked.Increment(ref _begun);
                    break;
                case BeginPrepareMessage:
                    isPrepared = true; // DMS does not move it
                    break;
                case PrepareMessage:
                    isPrepared = false;
                    break;
                case RelationMessage relation:
                    await _tables.LearnAsync(relation, _stop.Token);
                    break;
                case InsertMessage insert:
                    Add(await ReadAsync(insert.Relation, ChangeKind.Insert, insert.NewRow, null, false));
                    break;
                case DefaultUpdateMessage update:
                    Add(await ReadAsync(update.Relation, ChangeKind.Update, update.NewRow, null, false));
                    break;
                case IndexUpdateMessage update:
                    Add(await ReadAsync(update.Relation, ChangeKind.Update, update.NewRow, update.Key, false));
                    break;
                case FullUpdateMessage update:
                    Add(await ReadAsync(update.Relation, ChangeKind.Update, update.NewRow, update.OldRow, true));
                    break;
                case KeyDeleteMessage delete:
                    Add(await ReadAsync(delete.Relation, ChangeKind.Delete, null, delete.Key, false));
                    break;
                case FullDeleteMessage delete:
                    Add(await ReadAsync(delete.Relation, ChangeKind.Delete, null, delete.OldRow, true));
                    break;
                case CommitMessage end:
                    await _channel.Writer.WriteAsync(new SourceTransaction(commit, changes, new Lsn((ulong)end.TransactionEndLsn), time), _stop.Token);
                    changes = [];
                    break;
            }

            if (changes.Count >= PieceLength)
            {
                await _channel.Writer.WriteAsync(new SourceTransaction(commit, changes, null, time), _stop.Token);
                changes = [];
            }
        }

        void Add(RowChange? change)
        {
            if (change is not null && !isPrepared && commit.Position >= change.Table.Run.SnapshotLsn)
            {
                changes.Add(change);
            }
        }
    }

    // The old row comes first on the wire, and a tuple must be read to its end before the next, whether it is wanted or not.
    private async Task<RowChange?> ReadAsync(RelationMessage relation, ChangeKind kind, ReplicationTuple? after, ReplicationTuple? before, bool oldIsFull)
    {
        string?[]? old = before is null ? null : await ReadAsync(before);
        string?[] row = after is null ? [] : await ReadAsync(after);
        return _tables.Find(relation.RelationId) is { } table && !table.Run.IsSuspended ? new RowChange(table, kind, row, old, oldIsFull) : null;
    }

    private async Task<string?[]> ReadAsync(ReplicationTuple tuple)
    {
        var values = new string?[tuple.NumColumns];
        int i = 0;
        await foreach (var value in tuple.WithCancellation(_stop.Token))
        {
            values[i++] = value.Kind switch
            {
                TupleDataKind.Null => null,
                TupleDataKind.UnchangedToastedValue => RowChange.Unchanged,
                _ => await value.Get<string>(_stop.Token),
            };
        }

        return values;
    }
}
