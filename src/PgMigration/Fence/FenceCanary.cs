using Npgsql;

namespace PgMigration;

/// <summary>Tries what the fence must refuse, in new sessions with nothing of ours: each must begin read-only, and be refused even when it overrides that.</summary>
internal static class FenceCanary
{
    private const int MostRoles = 8;

    /// <summary>Returns what was refused.</summary>
    /// <exception cref="MigrationException"><c>FenceIncomplete</c>: who could still write.</exception>
    public static async Task<string> RefuseAsync(FencedServer fenced, FenceRecord record, CancellationToken cancel)
    {
        var grants = record.Grants.Where(grant => grant.Kind == "TABLE" && grant.Column is null && grant.Privileges.Contains("DELETE")).ToList();
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
                    await RefuseWriteAsync(canary, $"set session authorization {grant.Grantee}; ", grant.Objects[0], grant.Grantee!, cancel);
                }
            }
            else
            {
                await RefuseWriteAsync(canary, string.Empty, table, login.User, cancel);
            }
        }

        return table is null ? "a new session begins read-only (there is no table to try)" : $"a write to {table} in a new session was refused";
    }

    // A role that a link still needs begins read-write; what it may not write it is refused like the others.
    private static async Task<bool> IsSparedAsync(NpgsqlConnection canary, FenceRecord record, CancellationToken cancel) =>
        record.Settings.Any(setting => setting.Value == "off")
        && await canary.ScalarAsync<string>("select quote_ident(current_user)", cancel) is var role && record.Settings.Any(setting => setting.Role == role && setting.Value == "off");

    private static async Task RefuseWriteAsync(NpgsqlConnection canary, string prefix, string table, string who, CancellationToken cancel)
    {
        try
        {
            await canary.ExecuteAsync($"{prefix}begin read write; delete from {table} where false", cancel);
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction)
        {
            await canary.ExecuteAsync("rollback; reset session authorization", cancel);
            return;
        }

        throw SourceFence.Incomplete($"A new session of {who} could still write to {table}.");
    }
}
