using Npgsql;

namespace PgMigration;

/// <summary>Tries what the fence must refuse, in new sessions with nothing of ours: each must begin read-only, and be refused even when it overrides that.</summary>
internal static class FenceCanary
{
    private const int MostRoles = 8;
    private const string Reset = "rollback; reset session authorization";

    /// <summary>Returns what was refused.</summary>
    /// <exception cref="MigrationException"><c>FenceIncomplete</c>: who could still write.</exception>
    public static async Task<string> RefuseAsync(FencedServer fenced, FenceRecord record, CancellationToken cancel)
    {
        var grants = await ChooseAsync(fenced.Session, record, cancel);
        string? table = grants.FirstOrDefault()?.Objects[0];
        foreach (var login in fenced.Logins)
        {
            await using var canary = await login.ConnectAsync(cancel);
            if (record.Settings.Count > 0 && !await IsSparedAsync(canary, record, cancel) && await canary.ScalarAsync<string>("show default_transaction_read_only", cancel) != "on")
            {
                throw SourceFence.Incomplete($"A new session of {login.User} does not begin read-only: another setting beats the database's. See: SELECT * FROM pg_db_role_setting.");
            }

            if (table is null)
            {
                continue;
            }

            // No fence binds a superuser. As one, we can take the place of those that it does bind.
            if (await canary.ScalarAsync<bool>("select rolsuper from pg_roles where rolname = current_user", cancel))
            {
                foreach (var grant in grants.Where(grant => grant.Grantee is not null).DistinctBy(grant => grant.Grantee).Take(MostRoles))
                {
                    await RefuseWriteAsync(canary, $"set session authorization {grant.Grantee}; begin read write; ", grant.Objects[0], grant.Grantee!, Reset, cancel);
                }
            }
            else
            {
                await RefuseWriteAsync(canary, "begin read write; ", table, login.User, Reset, cancel);
            }
        }

        return table is null ? "a new session begins read-only (there is no table to try)" : $"a write to {table} in a new session was refused";
    }

    /// <summary>
    /// Tries the same within a transaction that has raised the fence and will be rolled back: what could not be tried later, while the app
    /// waits, is known beforehand.
    /// </summary>
    /// <exception cref="MigrationException"><c>FenceIncomplete</c>: the write was not refused, or for another reason than a missing right.</exception>
    public static async Task TryAsync(NpgsqlConnection session, FenceRecord record, CancellationToken cancel)
    {
        var grants = await ChooseAsync(session, record, cancel);
        bool super = await session.ScalarAsync<bool>("select rolsuper from pg_roles where rolname = current_user", cancel);
        if ((super ? grants.Find(grant => grant.Grantee is not null) : grants.FirstOrDefault()) is not { } grant)
        {
            return;
        }

        await session.ExecuteAsync("savepoint canary", cancel);
        await RefuseWriteAsync(session, super ? $"set local session authorization {grant.Grantee}; " : string.Empty, grant.Objects[0], super ? grant.Grantee! : "this login", "rollback to savepoint canary", cancel);
    }

    // Of each grantee a table that a write reaches: a view or a foreign table may refuse it for a reason of its own.
    private static async Task<List<FencedGrant>> ChooseAsync(NpgsqlConnection session, FenceRecord record, CancellationToken cancel)
    {
        var grants = record.Grants.Where(grant => grant.Kind == "TABLE" && grant.Column is null && grant.Privileges.Contains("DELETE")).ToList();
        var tables = (await session.RowsAsync("select u.name from unnest(@names) u(name) join pg_class c on c.oid = to_regclass(u.name) where c.relkind in ('r', 'p') and not c.relhasrules",
            row => row.GetString(0), cancel, new NpgsqlParameter<string[]>("names", [.. grants.Select(grant => grant.Objects[0])]))).ToHashSet();
        return grants.FindAll(grant => tables.Contains(grant.Objects[0]));
    }

    // A role that a link still needs begins read-write; what it may not write it is refused like the others.
    private static async Task<bool> IsSparedAsync(NpgsqlConnection canary, FenceRecord record, CancellationToken cancel) =>
        record.Settings.Any(setting => setting.Value == "off")
        && await canary.ScalarAsync<string>("select quote_ident(current_user)", cancel) is var role && record.Settings.Any(setting => setting.Role == role && setting.Value == "off");

    private static async Task RefuseWriteAsync(NpgsqlConnection canary, string prefix, string table, string who, string after, CancellationToken cancel)
    {
        try
        {
            await canary.ExecuteAsync($"{prefix}delete from {table} where false", cancel);
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction)
        {
            await canary.ExecuteAsync(after, cancel);
            return;
        }
        catch (PostgresException error)
        {
            throw SourceFence.Incomplete($"Whether {who} may still write to {table} could not be tried: {error.SqlState}: {error.MessageText}.");
        }

        throw SourceFence.Incomplete($"A new session of {who} could still write to {table}.");
    }
}
