using Npgsql;

namespace PgMigration;

/// <summary>
/// A table of our own with one row for each task, in the task's mappings: a beat that is written on the source and read on the target has gone
/// the whole way, and so has every commit before it. The same row remembers the task, so that the link is found from the servers alone.
/// </summary>
/// <remarks>
/// One table a task: one that several tasks had in their mappings would get each row several times. Its columns have limits of their own, since
/// DMS makes LOBs of those without. It lies in our schema, which the fence leaves alone.
/// </remarks>
internal static class DmsHeartbeat
{
    private const string Prefix = "dms_";

    /// <summary>The name of a task's table; names in PostgreSQL end at 63 bytes, those of tasks at 255 characters.</summary>
    public static string TableOf(string task) => Prefix + (task.Length <= 50 ? task : $"{task[..41]}_{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(task)))[..8]}");

    /// <summary>The table's name, as SQL takes it.</summary>
    public static string Quoted(string task) => SqlText.Name(MarkTable.Schema, TableOf(task));

    /// <summary>Makes the table where it is missing, and lets DMS's login at it.</summary>
    public static async Task CreateAsync(NpgsqlConnection session, string task, string? login, CancellationToken cancel)
    {
        await session.ExecuteAsync($"""
            create schema if not exists {MarkTable.Schema};
            create table if not exists {Quoted(task)} (
                id integer primary key, task varchar(255) not null, arn varchar(512) not null, endpoint varchar(512), login varchar(63),
                beat bigint not null, nonce varchar(64) not null, lsn varchar(20) not null, written_at timestamptz not null);
            """, cancel);
        if (login is not null && await session.ScalarAsync<bool>("select exists (select from pg_roles where rolname = @login and rolname <> current_user and not rolsuper)", cancel, new NpgsqlParameter<string>("login", login)))
        {
            await session.ExecuteAsync($"grant usage, create on schema {MarkTable.Schema} to {SqlText.Name(login)}; grant select, insert, update, delete on {Quoted(task)} to {SqlText.Name(login)}", cancel);
            if (await session.ScalarAsync<string>("show is_superuser", cancel) == "on")
            {
                // what publishes changes (the local DMS does) must own the tables; where we are no superuser, that login is to be a member of ours
                await session.ExecuteAsync($"alter table {Quoted(task)} owner to {SqlText.Name(login)}", cancel);
            }
        }
    }

    /// <summary>Writes the row that remembers the task, on the source.</summary>
    public static Task RememberAsync(NpgsqlConnection source, DmsTaskName task, Uri? endpoint, CancellationToken cancel) => source.ExecuteAsync($"""
        insert into {Quoted(task.Identifier)} (id, task, arn, endpoint, login, beat, nonce, lsn, written_at)
        values (1, @task, @arn, @endpoint, @login, 0, '', pg_current_wal_insert_lsn()::text, clock_timestamp())
        on conflict (id) do update set arn = excluded.arn, endpoint = excluded.endpoint, login = excluded.login
        """, cancel, new NpgsqlParameter<string>("task", task.Identifier), new NpgsqlParameter<string>("arn", task.Arn), new NpgsqlParameter<string?>("endpoint", endpoint?.AbsoluteUri), new NpgsqlParameter<string?>("login", task.Login));

    /// <summary>The tasks that a server remembers, with the endpoint of the DMS that has them.</summary>
    public static async Task<IReadOnlyList<(DmsTaskName Task, string? Endpoint)>> FindTasksAsync(NpgsqlConnection session, CancellationToken cancel)
    {
        var tables = await session.RowsAsync("""
            select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = @schema and c.relkind = 'r' and c.relname like 'dms\_%' and has_table_privilege(c.oid, 'SELECT')
              and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'nonce')
            order by c.relname
            """, row => row.GetString(0), cancel, new NpgsqlParameter<string>("schema", MarkTable.Schema));
        return tables.Count == 0 ? [] : await session.RowsAsync(
            string.Join(" union all ", tables.Select(table => $"select task, arn, login, endpoint from {SqlText.Name(MarkTable.Schema, table)} where arn <> ''")) + " order by 1",
            row => (new DmsTaskName(row.GetString(0), row.GetString(1), row.TextOrNull(2)), row.TextOrNull(3)), cancel);
    }

    /// <summary>What a server has of each task, in their order; null for a row that is not there.</summary>
    public static async Task<DmsBeat?[]> ReadAsync(NpgsqlConnection session, IReadOnlyList<DmsTaskName> tasks, CancellationToken cancel)
    {
        var there = (await session.RowsAsync("select c.relname from pg_class c where c.relnamespace = to_regnamespace(@schema) and c.relkind = 'r'",
            row => row.GetString(0), cancel, new NpgsqlParameter<string>("schema", MarkTable.Schema))).ToHashSet();
        var asked = tasks.Where(task => there.Contains(task.Heartbeat)).ToArray();
        var beats = asked.Length == 0 ? [] : await session.RowsAsync(
            string.Join(" union all ", asked.Select(task => $"select task, beat, nonce, lsn, extract(epoch from clock_timestamp() - written_at)::float8 from {Quoted(task.Identifier)} where id = 1")),
            row => (Task: row.GetString(0), Beat: new DmsBeat(row.GetInt64(1), row.GetString(2), Lsn.Parse(row.GetString(3)), TimeSpan.FromSeconds(row.GetDouble(4)))), cancel);
        return [.. tasks.Select(task => beats.Where(beat => beat.Task == task.Identifier).Select(beat => beat.Beat).FirstOrDefault())];
    }

    /// <summary>Writes a new beat for one task; committed when this returns.</summary>
    public static Task BeatAsync(NpgsqlConnection source, DmsTaskName task, CancellationToken cancel) =>
        source.ExecuteAsync($"update {Quoted(task.Identifier)} set beat = beat + 1, lsn = pg_current_wal_insert_lsn()::text, written_at = clock_timestamp() where id = 1", cancel);

    /// <summary>Writes a nonce for every task, in one transaction.</summary>
    public static Task MarkAsync(NpgsqlConnection source, IReadOnlyList<DmsTaskName> tasks, string nonce, CancellationToken cancel) => source.ExecuteAsync(
        $"begin; {string.Concat(tasks.Select(task => $"update {Quoted(task.Identifier)} set beat = beat + 1, nonce = {SqlText.Literal(nonce)}, lsn = pg_current_wal_insert_lsn()::text, written_at = clock_timestamp() where id = 1; "))}commit", cancel);

    /// <summary>Removes a task's table.</summary>
    public static Task RemoveAsync(NpgsqlConnection session, string task, CancellationToken cancel) => session.ExecuteAsync($"drop table if exists {Quoted(task)}", cancel);
}
