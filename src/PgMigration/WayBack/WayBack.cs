using System.Globalization;
using System.Security.Cryptography;
using Npgsql;

namespace PgMigration;

/// <summary>The door of this folder: the old server follows the new one by logical replication, so that going back loses nothing.</summary>
/// <remarks>
/// Role, publication and replica identities are made on the source before the app is paused, and travel to the target in the WAL. The slot
/// is made on the promoted target before it opens, so that no write escapes it; the subscription only when the app goes on again.
/// Tables are named one by one: FOR ALL TABLES would make UPDATE fail on the opened target for those without a key.
/// </remarks>
public static class WayBack
{
    private const string Name = WayBackRecord.Name;

    // Without a key a row is found by comparing all its columns, for which each type needs an equality (json, xml and points have none).
    private const string TablesSql = """
        select format('%I.%I', n.nspname, c.relname), c.relreplident::text,
               c.relreplident in ('i', 'f') or c.relreplident = 'd' and exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary),
               not exists (select from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                           and not exists (select from pg_opclass o join pg_am m on m.oid = o.opcmethod
                                           where m.amname in ('btree', 'hash') and o.opcdefault
                                             and (o.opcintype = t.oid or t.typtype in ('e', 'd', 'r', 'm', 'c') or t.typelem <> 0 or exists (select from pg_cast k where k.castsource = t.oid and k.casttarget = o.opcintype and k.castmethod = 'b'))))
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
        order by 1
        """;

    /// <summary>Whether the way back can be kept open; asked before anything is touched.</summary>
    /// <exception cref="MigrationException"><c>WayBackNotPossible</c>, with what stands in the way.</exception>
    public static async Task CheckAsync(CutoverContext context, CancellationToken cancel = default)
    {
        var source = await context.SourceSessionAsync(cancel);
        var target = await context.TargetSessionAsync(cancel);
        if (!await source.ScalarAsync<bool>("select rolsuper from pg_roles where rolname = current_user", cancel))
        {
            throw Impossible($"{context.Source.User} is no superuser on the source. Up to PostgreSQL 15 only a superuser may create the subscription; later ones let members of pg_create_subscription, whose right to write the fence takes away like everybody's.");
        }

        if (await source.ScalarAsync<bool>("select current_setting('max_logical_replication_workers')::int < 1 or current_setting('max_replication_slots')::int < 1", cancel))
        {
            throw Impossible("The source's max_logical_replication_workers or max_replication_slots is 0: it can run no subscription.");
        }

        string level = await target.ScalarAsync<string>("show wal_level", cancel);
        if (level != "logical")
        {
            throw Impossible($"The target's wal_level is {level}; expected logical. Set it there and restart the target.");
        }

        if (await target.ScalarAsync<bool>("""
            select current_setting('max_replication_slots')::int - (select count(*) from pg_replication_slots) < 1
                   or current_setting('max_wal_senders')::int - (select count(*) from pg_stat_replication) < 1
            """, cancel))
        {
            throw Impossible("The target has no free replication slot or WAL sender. Raise max_replication_slots and max_wal_senders there and restart it.");
        }

        var (_, _, leftOut) = await ReadTablesAsync(source, cancel);
        if (leftOut.Count > 0)
        {
            context.Observer.Warning($"The way back leaves out tables that have neither a key nor columns that can all be compared: {Shown(leftOut)}. What is written to them after the cutover keeps Undo-Cutover from going back. A primary key would help.");
        }

        if (await source.ScalarAsync<bool>("select exists (select from pg_largeobject_metadata)", cancel))
        {
            context.Observer.Warning("There are large objects, and no logical replication carries them: what is written to them after the cutover keeps Undo-Cutover from going back.");
        }
    }

    /// <summary>Makes role, publication and replica identities on the source; safe to repeat.</summary>
    /// <returns>A login for the old server on the new one, with its secret.</returns>
    internal static async Task<PgServer> PrepareAsync(CutoverContext context, WayBackRecord record, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        foreach (string table in record.MadeFull.Keys)
        {
            await WithRetriesAsync(source, $"alter table {table} replica identity full", cancel);
        }

        string password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        await source.ExecuteAsync($"""
            do $$ begin create role {Name} login replication; exception when duplicate_object then null; end $$;
            alter role {Name} password '{password}';
            do $$ begin execute format('grant connect on database %I to {Name}', current_database()); end $$;
            drop publication if exists {Name}; create publication {Name} for table {string.Join(", ", record.Tables)}
            """, cancel);
        return LoginOnTarget(context, password);
    }

    /// <summary>Has the source connect to the target as the subscription will, in a transaction that is rolled back.</summary>
    /// <exception cref="MigrationException"><c>WayBackNotPossible</c>: it cannot reach or enter the target.</exception>
    internal static async Task TryAsync(CutoverContext context, PgServer login, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        try
        {
            await source.ExecuteAsync($"begin; {Subscribe(login, enabled: false, await VersionAsync(source, cancel))}", cancel);
        }
        catch (PostgresException error)
        {
            throw Impossible($"The source cannot subscribe to the target at {login.Host}:{login.Port}: {Redaction.Of(error.MessageText)}. Let the source's address in there (-AllowFrom, pg_hba.conf), or give the target's address with -AppTarget.", error);
        }
        finally
        {
            await source.ExecuteAsync("rollback", CancellationToken.None);
        }
    }

    /// <summary>Has the source follow the target from the slot on; safe to repeat.</summary>
    internal static async Task FollowAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        var target = await context.TargetSessionAsync(cancel);
        if (!await source.ScalarAsync<bool>($"select exists (select from pg_subscription where subname = '{Name}')", cancel))
        {
            string password = RandomNumberGenerator.GetHexString(32, lowercase: true); // the first one was nobody's memory
            await target.ExecuteAsync($"alter role {Name} password '{password}'", cancel);
            await source.ExecuteAsync(Subscribe(LoginOnTarget(context, password), enabled: true, await VersionAsync(source, cancel)), cancel);
        }

        while (!await target.ScalarAsync<bool>($"select coalesce((select active from pg_replication_slots where slot_name = '{Name}'), false)", cancel))
        {
            await Task.Delay(20, cancel); // the worker on the source connects when it likes
        }
    }

    /// <summary>The tables of a database: those that can be followed, those that must be made to log whole rows, those that cannot be followed.</summary>
    internal static async Task<WayBackRecord> ReadTablesAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        var rows = await source.RowsAsync(TablesSql, row => (Name: row.GetString(0), Identity: row.GetString(1), Keyed: row.GetBoolean(2), Comparable: row.GetBoolean(3)), cancel);
        return new WayBackRecord(
            [.. rows.Where(row => row.Keyed || row.Comparable).Select(row => row.Name)],
            rows.Where(row => !row.Keyed && row.Comparable).ToDictionary(row => row.Name, row => row.Identity),
            [.. rows.Where(row => !row.Keyed && !row.Comparable).Select(row => row.Name)]);
    }

    /// <summary>Removes from one server what this made there, as far as it is there.</summary>
    internal static async Task RemoveAsync(NpgsqlConnection session, WayBackRecord record, CancellationToken cancel)
    {
        if (await session.ScalarAsync<bool>($"select exists (select from pg_subscription where subname = '{Name}')", cancel))
        {
            await session.ExecuteAsync($"alter subscription {Name} disable", cancel);
            await session.ExecuteAsync($"alter subscription {Name} set (slot_name = none)", cancel);
            await session.ExecuteAsync($"drop subscription {Name}", cancel);
        }

        await session.ExecuteAsync($"select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{Name}' and active", cancel);
        while (await session.ScalarAsync<bool>($"select exists (select from pg_replication_slots where slot_name = '{Name}' and active)", cancel))
        {
            await Task.Delay(20, cancel); // its walsender is on its way out
        }

        await session.ExecuteAsync($"""
            select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{Name}';
            drop publication if exists {Name};
            do $$ begin
                if exists (select from pg_roles where rolname = '{Name}') then
                    execute format('revoke connect on database %I from {Name}', current_database());
                    drop role {Name};
                end if;
            end $$
            """, cancel);
        foreach (var (table, before) in record.MadeFull)
        {
            await WithRetriesAsync(session, $"alter table if exists {table} replica identity {(before == "n" ? "nothing" : "default")}", cancel);
        }
    }

    /// <summary>Removes it from both servers, as somebody wants who will not go back. An old server that is gone keeps the new one from nothing.</summary>
    internal static async Task EndAsync(CutoverContext context, WayBackRecord record, CancellationToken cancel)
    {
        try
        {
            await RemoveAsync(await context.SourceSessionAsync(cancel), record, cancel);
        }
        catch (Exception error) when (error is NpgsqlException or MigrationException { Kind: MigrationErrorKind.Connection })
        {
            context.Observer.Warning($"What the way back made on the old server {context.Source} is left there ({Redaction.Of(error.Message)}). If it comes up again: ALTER SUBSCRIPTION {Name} DISABLE; ALTER SUBSCRIPTION {Name} SET (slot_name = NONE); DROP SUBSCRIPTION {Name}.");
        }

        var target = await context.TargetSessionAsync(cancel);
        await RemoveAsync(target, record, cancel);
        await MarkTable.RemoveAsync(target, context.Facts.Id, cancel);
    }

    internal static string Shown(IReadOnlyList<string> tables) =>
        tables.Count <= 5 ? string.Join(", ", tables) : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", tables.Take(5))} and {tables.Count - 5} more");

    internal static MigrationException Impossible(string reason, Exception? cause = null) => new("WayBackNotPossible", MigrationErrorKind.NotSupported,
        $"The way back cannot be kept open (-KeepSourceInSync): {reason.TrimEnd('.')}. Mend it, or leave -KeepSourceInSync out: going back after the cutover then loses what was written since.", cause);

    private static PgServer LoginOnTarget(CutoverContext context, string password) => context.AppTarget.WithUser(Name).WithPassword(password);

    private static string Subscribe(PgServer login, bool enabled, int version)
    {
        string connection = string.Create(CultureInfo.InvariantCulture,
            $"host={Quoted(login.Host)} port={login.Port} dbname={Quoted(login.Database)} user={Name} password={Quoted(login.FindPassword()!)} sslmode={login.SslMode} connect_timeout=10 application_name={Name}");
        string owner = version >= 160000 ? ", run_as_owner = true" : string.Empty; // the tables' owners may not write behind the fence
        return $"create subscription {Name} connection '{connection.Replace("'", "''", StringComparison.Ordinal)}' publication {Name} with (create_slot = false, slot_name = '{Name}', copy_data = false, enabled = {(enabled ? "true" : "false")}{owner})";
    }

    private static string Quoted(string value) => $"'{value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", @"\'", StringComparison.Ordinal)}'";

    private static Task<int> VersionAsync(NpgsqlConnection session, CancellationToken cancel) => session.ScalarAsync<int>("select current_setting('server_version_num')::int", cancel);

    // A table's lock is had between two of its transactions, and nobody queues up behind us for longer than lock_timeout.
    private static async Task WithRetriesAsync(NpgsqlConnection session, string sql, CancellationToken cancel)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await session.ExecuteAsync(sql, cancel);
                return;
            }
            catch (PostgresException error) when (attempt < 10 && error.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                await Task.Delay(100 * attempt, cancel);
            }
        }
    }
}
