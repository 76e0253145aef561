using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>Writes DMS's heartbeat into the source, so that the slot advances on a quiet database.</summary>
/// <remarks>Source: the AWS DMS user guide, "Using a PostgreSQL database as a source", HeartbeatEnable: the table awsdms_heartbeat.</remarks>
/// <param name="task">The task.</param>
internal sealed class Heartbeat(TaskContext task)
{
    private const int DefaultMinutes = 5;

    /// <summary>Beats until it is stopped. A beat that fails is logged, and the next one is tried.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var settings = task.SourceSettings.Settings;
        if (settings?.HeartbeatEnable != true && !task.SourceSettings.HasAttribute("heartbeatEnable"))
        {
            return;
        }

        string table = $"{Sql.Name(settings?.HeartbeatSchema is { Length: > 0 } schema ? schema : "public")}.awsdms_heartbeat";
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(Math.Max(1, settings?.HeartbeatFrequency ?? DefaultMinutes)));
        do
        {
            try
            {
                await using var source = await task.ConnectSourceAsync(cancel);
                await source.RunAsync($"""
                    CREATE TABLE IF NOT EXISTS {table} (hb_key bigint NOT NULL PRIMARY KEY, hb_created_at timestamp NOT NULL, hb_created_by varchar(256) NOT NULL,
                        hb_last_heartbeat_at timestamp NOT NULL, hb_last_heartbeat_by varchar(256) NOT NULL)
                    """, cancel);
                await source.RunAsync($"""
                    INSERT INTO {table} VALUES (hashtextextended($1, 0), now(), current_user, now(), $1)
                    ON CONFLICT (hb_key) DO UPDATE SET hb_last_heartbeat_at = excluded.hb_last_heartbeat_at, hb_last_heartbeat_by = excluded.hb_last_heartbeat_by
                    """, cancel, task.Record.Identifier);
            }
            catch (Exception error) when (error is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException)
            {
                task.Log($"The heartbeat was not written: {error.Message}");
            }
        }
        while (await timer.WaitForNextTickAsync(cancel));
    }
}
