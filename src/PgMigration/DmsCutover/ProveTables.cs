using System.Globalization;

namespace PgMigration;

/// <summary>Proves that the target is ready for the app: the tasks have stopped, what belongs to the tables is there and valid, and it takes writes.</summary>
public sealed class ProveTables : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(ProveTables);

    /// <inheritdoc/>
    public string Effect => "prove the target: tasks stopped, nonces there, columns, indexes, constraints, triggers, defaults, policies, views and functions there, valid and the same, a write committed";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var link = DmsProof.LinkOf(context);
        using (var dms = link.Connect())
        {
            foreach (string arn in link.TaskArns)
            {
                await DmsTasks.UntilAnyAsync(dms, arn, ["stopped", "failed"], context.Options.MaxPause, context.Observer, cancel);
            }
        }

        var target = await context.TargetSessionAsync(cancel);
        if (await DrainTasks.MissingAsync(context, link, cancel) is [var mute, ..])
        {
            throw new MigrationException("MarkMissing", MigrationErrorKind.InvalidData, $"The nonce of {mute} is not on the target any more: somebody wrote there, or another server answers at {context.Target}.");
        }

        await DmsProof.NothingSkippedAsync(context, target, cancel);
        string[] tables = DmsProof.MovedTables(await DmsReplication.ReportAsync(link, cancel));
        var source = await context.FencedSourceSessionAsync(cancel);
        if (LeftOut.Explain((await LeftOut.FindAsync(source, tables, cancel)).New) is { } why)
        {
            throw new MigrationException("TableNotMoved", MigrationErrorKind.InvalidData, why);
        }

        if ((await PostData.CompareAsync(source, target, tables, context.Options.AcceptDifferences, cancel)).Gaps is [_, ..] gaps)
        {
            throw new MigrationException("PostDataMissing", MigrationErrorKind.InvalidData, PostData.Explain(gaps));
        }

        // Sequences that were made just now have an owner, and no rights for others yet.
        if (await AppRights.FindSequenceGapsAsync(target, context.AppTarget.User, tables, cancel) is [_, ..] denied)
        {
            throw new MigrationException("AppRightsMissing", MigrationErrorKind.PermissionDenied, $"The app's login could not take numbers from the target's sequences. Run there: {string.Join("; ", denied.Take(8))}.");
        }

        await CheckOpenAsync(context, cancel);
        await target.ExecuteAsync($"update {DmsHeartbeat.Quoted(link.Tasks[0].Identifier)} set written_at = clock_timestamp() where id = 1", cancel);
        context.Learn(context.Facts with { OpenedLsn = await target.LsnAsync("pg_current_wal_insert_lsn()", cancel) });
        return string.Create(CultureInfo.InvariantCulture, $"{link.Tasks.Count} tasks stopped, {tables.Length} tables with all that belongs to them, a write committed");
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;

    // What keeps an app from writing although its rights are there: a default that somebody set while the target was being filled.
    private static async Task CheckOpenAsync(CutoverContext context, CancellationToken cancel)
    {
        await using var app = await context.AppTarget.ConnectAsync(cancel);
        var (readOnly, role) = (await app.RowsAsync("select current_setting('default_transaction_read_only'), current_setting('session_replication_role')", row => (row.GetString(0), row.GetString(1)), cancel))[0];
        if (readOnly != "off" || role != "origin")
        {
            throw new MigrationException("TargetNotOpen", MigrationErrorKind.InvalidOperation,
                $"A new session of the app on {context.AppTarget} begins with default_transaction_read_only = {readOnly} and session_replication_role = {role}; expected off and origin. See SELECT * FROM pg_db_role_setting there.");
        }
    }
}
