using System.Globalization;
using System.Security.Cryptography;

namespace PgMigration;

/// <summary>Writes a nonce for each task behind the proven fence: every acknowledged commit lies before it.</summary>
/// <remarks>Each task has a row of its own: that one of them has arrived says nothing about the others.</remarks>
public sealed class MarkTasks : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(MarkTasks);

    /// <inheritdoc/>
    public string Effect => "write a nonce into the source, in a row of each task: it must be on the target before the app is";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo: the rows are ours";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var tasks = DmsProof.LinkOf(context).Tasks;
        await GoOnAsync(context, cancel);
        var source = await context.FencedSourceSessionAsync(cancel);
        string nonce = RandomNumberGenerator.GetHexString(32, lowercase: true);
        await DmsHeartbeat.MarkAsync(source, tasks, nonce, cancel);
        if ((await DmsHeartbeat.ReadAsync(source, tasks, cancel)).Any(beat => beat?.Nonce != nonce))
        {
            throw new MigrationException("MarkMissing", MigrationErrorKind.InvalidData, "A task's heartbeat row is gone from the source. Run Start-PgDmsReplication again, which writes it.");
        }

        var mark = await source.LsnAsync("pg_logical_emit_message(false, 'pgmigration', @nonce)", cancel, new Npgsql.NpgsqlParameter<string>("nonce", nonce));
        string snapshot = await CatalogChanges.SnapshotAsync(source, cancel);
        context.Learn(context.Facts with { Nonce = nonce, MarkLsn = mark, MarkSnapshot = snapshot, MarkCounts = await CatalogChanges.CountAsync(source, cancel), MarkTimeline = await MarkSource.TimelineAsync(source, cancel) });
        return string.Create(CultureInfo.InvariantCulture, $"nonce written for {tasks.Count} tasks, before {mark}");
    }

    // A cutover that is resumed may have stopped them already, and a new nonce comes only with those that run.
    private static async Task GoOnAsync(CutoverContext context, CancellationToken cancel)
    {
        if (context.Journal.Entries.Any(entry => entry is { Event: CutoverEvent.Begun, Step: nameof(StopTasks) }))
        {
            var link = DmsProof.LinkOf(context);
            using var dms = link.Connect();
            foreach (string arn in link.TaskArns)
            {
                await DmsReplication.StartTaskAsync(dms, arn, new DmsReplicationOptions { Timeout = context.Options.MaxPause }, context.Observer, cancel);
            }
        }
    }

    /// <summary>A source that was asked once is asked again: after a restart the nonce is written anew.</summary>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
