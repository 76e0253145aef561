using System.Security.Cryptography;

namespace PgMigration;

/// <summary>Writes the nonce behind the proven fence and takes the position to drain to: every acknowledged commit lies before it.</summary>
/// <remarks>The position is what a message written now returns, not pg_current_wal_lsn() (asynchronous commits lie beyond what is written).</remarks>
public sealed class MarkSource : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(MarkSource);

    /// <inheritdoc/>
    public string Effect => "write a nonce into the source's WAL and take its position: both must be on the target before it is promoted";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo: the nonce goes with its table";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.FencedSourceSessionAsync(cancel);
        string nonce = RandomNumberGenerator.GetHexString(32, lowercase: true);
        await MarkTable.WriteAsync(source, context.Facts.Id, nonce, cancel);
        var mark = await source.LsnAsync("pg_logical_emit_message(false, 'pgmigration', @nonce)", cancel, new Npgsql.NpgsqlParameter<string>("nonce", nonce));
        string snapshot = await CatalogChanges.SnapshotAsync(source, cancel);
        uint timeline = await TimelineAsync(source, cancel);
        context.Learn(context.Facts with { Nonce = nonce, MarkLsn = mark, MarkSnapshot = snapshot, MarkTimeline = timeline });
        return $"nonce written, drain to {mark} on timeline {timeline}";
    }

    /// <summary>A source that was asked once is asked again: after a restart the mark is taken anew.</summary>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>The timeline that a server writes on: pg_control_checkpoint() shows the old one for seconds after a promotion.</summary>
    internal static async Task<uint> TimelineAsync(Npgsql.NpgsqlConnection session, CancellationToken cancel) =>
        Wal.WalSegmentName.Parse(await session.ScalarAsync<string>("select pg_walfile_name(pg_current_wal_lsn())", cancel)).Timeline;
}
