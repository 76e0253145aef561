using Npgsql;

namespace PgMigration;

/// <summary>
/// DMS's slots on the source. DMS names them itself and does not tell; so those that its login holds and that are named as DMS names them are
/// remembered in a table on the source, where one that nobody holds any more is still known.
/// </summary>
/// <remarks>
/// A login proves nothing by itself: others follow the source with the same one. The local DMS names a slot after its task; AWS's begins with
/// 16 letters and digits and the database's number, and ends with a UUID. Whatever else came meanwhile is somebody else's, until a person says otherwise.
/// </remarks>
internal static class DmsSlots
{
    /// <summary>How AWS names a slot, as a regular expression of SQL.</summary>
    internal const string AwsName = "^[a-z0-9]{16}_[0-9]{8}_[0-9a-f]{8}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{12}$";

    /// <summary>How the names of the local DMS's slots begin.</summary>
    internal const string LocalPrefix = "awsdms_local_";

    private const string Table = $"{MarkTable.Schema}.dms_slots";

    // Another link's slot of the local DMS has the name of a task that is none of this one's.
    private const string IsOfLink = $"(t.slot_name::text = any (@names) or not starts_with(t.slot_name::text, '{LocalPrefix}'))";

    // to_jsonb: columns that came with PostgreSQL 13 are simply not there before it
    private const string Sql = $"""
        select s.slot_name::text, s.active, s.confirmed_flush_lsn::text, coalesce(pg_current_wal_insert_lsn() - s.restart_lsn, 0)::bigint,
               (to_jsonb(s)->>'safe_wal_size')::bigint, coalesce(to_jsonb(s)->>'wal_status' in ('lost', 'unreserved'), false) and s.restart_lsn is null or coalesce(to_jsonb(s)->>'wal_status' = 'lost', false)
        from pg_replication_slots s join {Table} t on t.slot_name = s.slot_name and t.of_dms and {IsOfLink}
        where s.slot_type = 'logical' and s.database = current_database() order by 1
        """;

    /// <summary>Notes the slots that there are before DMS makes any: they are somebody else's.</summary>
    public static Task PrepareAsync(NpgsqlConnection source, CancellationToken cancel) => source.ExecuteAsync($"""
        create schema if not exists {MarkTable.Schema};
        create table if not exists {Table} (slot_name name primary key, of_dms boolean not null);
        insert into {Table} select slot_name, false from pg_replication_slots on conflict do nothing;
        """, cancel);

    /// <summary>Notes a slot that an endpoint names: it is watched, and never dropped, since somebody made it for DMS.</summary>
    public static Task NoteAsync(NpgsqlConnection source, string slot, CancellationToken cancel) => source.ExecuteAsync(
        $"insert into {Table} values (@slot, true) on conflict (slot_name) do update set of_dms = true", cancel, new NpgsqlParameter<string>("slot", slot));

    /// <summary>Reads the slots of a link's tasks, after noting those that are there now.</summary>
    public static async Task<IReadOnlyList<DmsSlot>> ReadAsync(NpgsqlConnection source, DmsLink link, CancellationToken cancel)
    {
        if (!await IsPreparedAsync(source, cancel))
        {
            return [];
        }

        await source.ExecuteAsync($"""
            insert into {Table} select s.slot_name, true from pg_replication_slots s left join pg_stat_activity a on a.pid = s.active_pid
            where s.slot_type = 'logical' and not s.temporary and s.database = current_database()
              and (s.slot_name::text = any (@names) or s.slot_name::text ~ '{AwsName}' and a.usename = any (@logins) and not exists (select from {Table} t where t.slot_name = s.slot_name))
            on conflict (slot_name) do update set of_dms = true where not {Table.Split('.')[1]}.of_dms
            """, cancel, Names(link), new NpgsqlParameter<string[]>("logins", link.Logins));
        return await source.RowsAsync(Sql, row => new DmsSlot(row.GetString(0), row.GetBoolean(1), row.TextOrNull(2) is { } lsn ? Lsn.Parse(lsn) : null,
            row.GetInt64(3), row.IsDBNull(4) ? null : row.GetInt64(4), row.GetBoolean(5)), cancel, Names(link));
    }

    /// <summary>Slots that DMS had and that are not there any more: somebody dropped them, and with them the way on.</summary>
    public static async Task<IReadOnlyList<string>> FindGoneAsync(NpgsqlConnection source, DmsLink link, CancellationToken cancel) =>
        !await IsPreparedAsync(source, cancel) ? [] : await source.RowsAsync(
            $"select slot_name::text from {Table} t where of_dms and {IsOfLink} and not exists (select from pg_replication_slots s where s.slot_name = t.slot_name) order by 1", row => row.GetString(0), cancel, Names(link));

    /// <summary>Slots of this database that came since DMS was first started, or that an endpoint names: whose they are, nobody can tell from here.</summary>
    public static async Task<IReadOnlyList<string>> FindNewAsync(NpgsqlConnection source, CancellationToken cancel) =>
        !await IsPreparedAsync(source, cancel) ? [] : await source.RowsAsync($"""
            select s.slot_name::text from pg_replication_slots s left join {Table} t on t.slot_name = s.slot_name
            where s.slot_type = 'logical' and not s.temporary and s.database = current_database() and coalesce(t.of_dms, true) order by 1
            """, row => row.GetString(0), cancel);

    /// <summary>Whether a slot is a task's of this link, by its name alone, or DMS's where no other link could have it.</summary>
    public static bool IsOwn(DmsLink link, string slot, bool hasOthers) =>
        NamesOf(link).Contains(slot) || (!hasOthers && System.Text.RegularExpressions.Regex.IsMatch(slot, AwsName, System.Text.RegularExpressions.RegexOptions.CultureInvariant));

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

    private static Task<bool> IsPreparedAsync(NpgsqlConnection source, CancellationToken cancel) => source.ScalarAsync<bool>($"select to_regclass('{Table}') is not null", cancel);

    private static string[] NamesOf(DmsLink link) => [.. link.TaskArns.Select(arn => LocalPrefix + arn[(arn.LastIndexOf(':') + 1)..].ToLowerInvariant())];

    private static NpgsqlParameter<string[]> Names(DmsLink link) => new("names", NamesOf(link));

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
