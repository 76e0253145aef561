using Npgsql;

namespace PgMigration;

/// <summary>
/// DMS's slots on the source. DMS names them itself and does not tell; so those that its login holds are remembered in a table on the source,
/// where one that nobody holds any more is still known.
/// </summary>
internal static class DmsSlots
{
    private const string Table = $"{MarkTable.Schema}.dms_slots";

    // to_jsonb: columns that came with PostgreSQL 13 are simply not there before it
    private const string Sql = $"""
        select s.slot_name::text, s.active, s.confirmed_flush_lsn::text, coalesce(pg_current_wal_insert_lsn() - s.restart_lsn, 0)::bigint,
               (to_jsonb(s)->>'safe_wal_size')::bigint, coalesce(to_jsonb(s)->>'wal_status' in ('lost', 'unreserved'), false) and s.restart_lsn is null or coalesce(to_jsonb(s)->>'wal_status' = 'lost', false)
        from pg_replication_slots s join {Table} t on t.slot_name = s.slot_name and t.of_dms
        where s.slot_type = 'logical' and s.database = current_database() order by 1
        """;

    /// <summary>Notes the slots that there are before DMS makes any: they are somebody else's.</summary>
    public static Task PrepareAsync(NpgsqlConnection source, CancellationToken cancel) => source.ExecuteAsync($"""
        create schema if not exists {MarkTable.Schema};
        create table if not exists {Table} (slot_name name primary key, of_dms boolean not null);
        insert into {Table} select slot_name, false from pg_replication_slots on conflict do nothing;
        """, cancel);

    /// <summary>Reads DMS's slots, after noting those that its login holds now.</summary>
    /// <param name="source">The source.</param>
    /// <param name="logins">DMS's logins there.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<IReadOnlyList<DmsSlot>> ReadAsync(NpgsqlConnection source, string[] logins, CancellationToken cancel)
    {
        if (!await source.ScalarAsync<bool>($"select to_regclass('{Table}') is not null", cancel))
        {
            return [];
        }

        await source.ExecuteAsync($"""
            insert into {Table} select s.slot_name, true from pg_replication_slots s join pg_stat_activity a on a.pid = s.active_pid
            where s.slot_type = 'logical' and not s.temporary and s.database = current_database() and a.usename = any (@logins)
              and not exists (select from {Table} t where t.slot_name = s.slot_name) on conflict do nothing
            """, cancel, new NpgsqlParameter<string[]>("logins", logins));
        return await source.RowsAsync(Sql, row => new DmsSlot(row.GetString(0), row.GetBoolean(1), row.TextOrNull(2) is { } lsn ? Lsn.Parse(lsn) : null,
            row.GetInt64(3), row.IsDBNull(4) ? null : row.GetInt64(4), row.GetBoolean(5)), cancel);
    }

    /// <summary>Slots that DMS had and that are not there any more: somebody dropped them, and with them the way on.</summary>
    public static async Task<IReadOnlyList<string>> FindGoneAsync(NpgsqlConnection source, CancellationToken cancel) =>
        !await source.ScalarAsync<bool>($"select to_regclass('{Table}') is not null", cancel) ? [] : await source.RowsAsync(
            $"select slot_name::text from {Table} t where of_dms and not exists (select from pg_replication_slots s where s.slot_name = t.slot_name) order by 1", row => row.GetString(0), cancel);

    /// <summary>Drops a slot that nobody holds; ends DMS's session on it first. Returns whether it was there.</summary>
    public static async Task<bool> DropAsync(NpgsqlConnection source, string slot, CancellationToken cancel)
    {
        var name = new NpgsqlParameter<string>("slot", slot);
        await source.ExecuteAsync("select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = @slot and active_pid is not null", cancel, name);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return (await source.RowsAsync("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = @slot", _ => true, cancel, new NpgsqlParameter<string>("slot", slot))).Count > 0;
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ObjectInUse && attempt < 50)
            {
                await Task.Delay(100, cancel); // its walsender is on its way out, and tells nobody
            }
        }
    }

    /// <summary>Forgets them all.</summary>
    public static Task ForgetAsync(NpgsqlConnection source, CancellationToken cancel) => source.ExecuteAsync($"drop table if exists {Table}", cancel);

    /// <summary>Bytes free on the disk of the source's WAL; null where this login may not run a program there.</summary>
    public static async Task<long?> FreeBytesAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        // Asked first: a server writes each refusal into its log.
        if (!await source.ScalarAsync<bool>("""
            select rolsuper or exists (select from pg_roles p where p.rolname = 'pg_execute_server_program' and pg_has_role(current_user, p.oid, 'USAGE')) from pg_roles where rolname = current_user
            """, cancel))
        {
            return null;
        }

        try
        {
            return (await source.RowsAsync("""
                create temp table if not exists pgmigration_df (kilobytes bigint);
                truncate pgmigration_df;
                copy pgmigration_df from program 'df -Pk pg_wal/. | awk ''NR == 2 { print $4 }''';
                select kilobytes * 1024 from pgmigration_df
                """, row => row.GetInt64(0), cancel)) is [var bytes] ? bytes : null;
        }
        catch (PostgresException)
        {
            return null; // a df that answers otherwise
        }
    }
}
