using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Asks everything that must hold before a cutover by DMS touches anything.</summary>
public sealed class CheckReplication : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(CheckReplication);

    /// <inheritdoc/>
    public string Effect => "check that every table is loaded and follows, that nothing was skipped, the tasks' settings, what the target has beside rows, the login's rights to fence, the app and every gate; change nothing";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await CheckGates.CheckSourceAsync(context, cancel);
        var source = await context.SourceSessionAsync(cancel);
        context.Learn(context.Facts with { SystemIdentifier = ulong.Parse(await source.ScalarAsync<string>("select system_identifier::text from pg_control_system()", cancel), CultureInfo.InvariantCulture) });
        await CheckTasksAsync(context, cancel);
        await CheckLoginsAsync(context, source, cancel);
        await CheckAppTargetAsync(context, cancel);
        var target = await context.TargetSessionAsync(cancel);
        string skipped = await DmsProof.NothingSkippedAsync(context, target, cancel);
        string[] tables = DmsProof.MovedTables(await DmsProof.FollowingAsync(context, cancel));
        await TableChecks.RunAsync(context, source, target, tables, cancel);
        string rest = await CheckGates.CheckRestAsync(context, cancel);
        return string.Create(CultureInfo.InvariantCulture, $"{tables.Length} tables follow, {skipped}, {rest}");
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;

    // The proof behind the fence stands on an applier that keeps the order of transactions and stops at what it cannot write.
    private static async Task CheckTasksAsync(CutoverContext context, CancellationToken cancel)
    {
        var link = DmsProof.LinkOf(context);
        using var dms = link.Connect();
        foreach (var task in await DmsTasks.DescribeAsync(dms, link.TaskArns, cancel))
        {
            if (DmsTaskSettings.FindWeaknesses(task.ReplicationTaskSettings) is [_, ..] weaknesses)
            {
                throw Preconditions.Closed($"Task {task.ReplicationTaskIdentifier} cannot be trusted to say what it skipped: {string.Join("; ", weaknesses)}. Stop it, change its settings (ModifyReplicationTask), and let it go on.");
            }

            if (!DmsTableMappings.Has(task.TableMappings, MarkTable.Schema, DmsHeartbeat.TableOf(task.ReplicationTaskIdentifier!)))
            {
                throw Preconditions.Closed($"Task {task.ReplicationTaskIdentifier} has no heartbeat of ours among its tables, so nobody could tell whether all has arrived. Stop it with Stop-PgDmsReplication, then run Start-PgDmsReplication -TaskArn {task.ReplicationTaskArn}, which adds it.");
            }
        }
    }

    // The fence spares DMS's login: it must be nobody else's.
    private static async Task CheckLoginsAsync(CutoverContext context, NpgsqlConnection source, CancellationToken cancel)
    {
        context.AppLogin = await context.App.FindLoginAsync(cancel) is { } app && app != context.Source ? app : null;
        if (context.SparedLogins.Length == 0)
        {
            throw Preconditions.Closed("DMS's login on the source is not known, so the fence could not spare it. Run Start-PgDmsReplication again, which notes it; where its endpoint takes it from a secret, name it with -SourceForDms postgres://login@host/database.");
        }

        if (context.AppLogin is { } login && context.SparedLogins.Contains(login.User))
        {
            throw Preconditions.Closed($"DMS uses the app's own login {login.User} on the source, which the fence could not tell apart. Give DMS a login of its own: change the endpoint's, then stop and resume the tasks.");
        }

        if ((await DmsSessions.FindAsync(source, context.SparedLogins, cancel)).Length == 0)
        {
            throw Preconditions.Closed($"No session of DMS ({string.Join(", ", context.SparedLogins)}) is on the source: its tasks do not follow.");
        }
    }

    // A slip of the pen here would be an app on another database.
    private static async Task CheckAppTargetAsync(CutoverContext context, CancellationToken cancel)
    {
        const string Instance = "select pg_postmaster_start_time()::text || ' ' || current_database()";
        try
        {
            await using var session = await context.AppTarget.ConnectAsync(cancel);
            string there = await session.ScalarAsync<string>(Instance, cancel);
            string target = await (await context.TargetSessionAsync(cancel)).ScalarAsync<string>(Instance, cancel);
            string source = await (await context.SourceSessionAsync(cancel)).ScalarAsync<string>(Instance, cancel);
            if (there != target || there == source)
            {
                throw Preconditions.Closed($"The app would be pointed at {context.AppTarget}, which is not the target {context.Target}. Give the target's own address with -AppTarget.");
            }
        }
        catch (MigrationException error) when (error.ErrorId != "CutoverGateClosed")
        {
            throw new MigrationException("CutoverGateClosed", error.Kind, $"The app's login cannot reach the target where the app would be pointed, {context.AppTarget}: {error.Message} DMS moves no roles: make the app's there, and give its address with -AppTarget.", error);
        }
    }
}
