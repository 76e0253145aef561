using System.Globalization;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Finds the link between two servers from what they say themselves, from any machine that reaches both.</summary>
public static class LinkSearch
{
    // Only a superuser may read the files and some of the settings; for others the link is found all the same, and says less.
    private const string Sql = """
        select system_identifier::text, pg_is_in_recovery(), pg_postmaster_start_time()::text || ' ' || current_setting('port'),
               (select nullif(setting, '') from pg_settings where name = 'restore_command'),
               (select setting from pg_settings where name = 'data_directory'),
               exists (select from pg_stat_wal_receiver), (select sender_host || ':' || sender_port from pg_stat_wal_receiver),
               has_function_privilege('pg_read_file(text, bigint, bigint, boolean)', 'execute'),
               (select count(*) from pg_stat_subscription)
        from pg_control_system()
        """;

    // A statement of its own: the right to call a function is checked before a CASE could keep it from being called.
    private const string RecordSql = "select pg_read_file('pgmigration/restore.json', 0, 1000000, true)";

    /// <summary>Finds it.</summary>
    /// <param name="source">The server that the app leaves.</param>
    /// <param name="target">The server it is to go to; for a cutover, as a superuser.</param>
    /// <param name="cancel">Ends the search.</param>
    /// <exception cref="MigrationException"><c>LinkNotFound</c>, with what was looked for; or why one of the two cannot be reached.</exception>
    public static async Task<ReplicationLink> FindAsync(PgServer source, PgServer target, CancellationToken cancel = default)
    {
        if (await FindDmsAsync(source, target, cancel) is { } dms)
        {
            return dms;
        }

        var there = await AskAsync(target, cancel);
        var here = await AskAsync(source, cancel);
        if (here.Cluster != there.Cluster)
        {
            throw NotFound($"{source} and {target} are not one cluster (system identifier {here.Cluster} against {there.Cluster}), so no WAL goes from one to the other{(there.Subscriptions > 0 ? $", and the {there.Subscriptions.ToString(CultureInfo.InvariantCulture)} subscription(s) there are links of a kind that this version does not cut over" : string.Empty)}. Is the target restored from this source's backups?");
        }

        if (here.Instance == there.Instance)
        {
            throw NotFound($"{source} and {target} are the same server (same cluster, port and start). Name the new server as the target.");
        }

        string archive = there.Record?.Archive ?? (there.Streams ? $"streamed from {there.Sender ?? "another server"}" : "behind the target's own restore_command");
        if (here.InRecovery)
        {
            throw new MigrationException("SourceInRecovery", MigrationErrorKind.InvalidOperation, $"The source {source} is itself a standby. Name the primary: after a failover its address may have changed.");
        }

        if (there is { InRecovery: true, RestoreCommand: null, Streams: false })
        {
            throw NotFound($"{target} is a standby of the source's cluster, but has neither a restore_command nor a stream: nothing comes to it. Set one of the two there.");
        }

        return new WalLink
        {
            Source = source,
            Target = target.WithDatabase(source.Database),
            TargetAddress = WalLink.AddressFor(source, target.Host, target.Port),
            Feed = there.Record is not null ? WalFeed.Prefetcher : there.Streams ? WalFeed.Streaming : WalFeed.Archive,
            Archive = archive,
            BackupName = there.Record?.BackupName ?? string.Empty,
            DataDirectory = there.DataDirectory ?? string.Empty,
            SystemIdentifier = ulong.Parse(there.Cluster, CultureInfo.InvariantCulture),
        };
    }

    // The source remembers its tasks in a table that they copy: where the target has the same row, they are the link between the two.
    private static async Task<DmsLink?> FindDmsAsync(PgServer source, PgServer target, CancellationToken cancel)
    {
        await using var here = await source.ConnectAsync(cancel);
        var tasks = await DmsHeartbeat.FindTasksAsync(here, cancel);
        if (tasks.Count == 0)
        {
            return null;
        }

        await using var there = await target.ConnectAsync(cancel);
        var same = await DmsHeartbeat.ReadAsync(there, [.. tasks.Select(task => task.Task)], cancel);
        var ours = tasks.Where((_, place) => same[place] is not null).ToArray();
        return ours.Length == 0 || source == target ? null : new DmsLink
        {
            Source = source,
            Target = target,
            Tasks = [.. ours.Select(task => task.Task)],
            Access = AccessOf(ours[0].Task.Region, ours[0].Endpoint),
        };
    }

    // A local DMS of this user knows one key, which is in its folder.
    private static DmsAccess AccessOf(string? region, string? endpoint) => endpoint is null ? new DmsAccess { Region = region }
        : DmsAccess.ParseEndpoint(endpoint) is var uri && LocalDmsServer.Find() is { } local && local.Endpoint == uri ? local.Access : new DmsAccess { Region = region, Endpoint = uri };

    private static async Task<Answer> AskAsync(PgServer server, CancellationToken cancel)
    {
        await using var session = await server.ConnectAsync(cancel);
        var (answer, mayRead) = (await session.RowsAsync(Sql, row => (new Answer(
            row.GetString(0), row.GetBoolean(1), row.GetString(2), row.TextOrNull(3), row.TextOrNull(4), row.GetBoolean(5), row.TextOrNull(6), null, row.GetInt64(8)), row.GetBoolean(7)), cancel))[0];
        return mayRead && await session.TextOrNullAsync(RecordSql, cancel) is { } json ? answer with { Record = RestoreRecord.TryParse(json) } : answer;
    }

    private static MigrationException NotFound(string reason) => new("LinkNotFound", MigrationErrorKind.NotFound, $"No link was found: {reason}");

    private sealed record Answer(
        string Cluster, bool InRecovery, string Instance, string? RestoreCommand, string? DataDirectory, bool Streams, string? Sender, RestoreRecord? Record, long Subscriptions);
}
