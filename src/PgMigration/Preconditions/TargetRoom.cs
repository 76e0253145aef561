using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Whether the target has room for what comes to it: the app's connections, and its writes on disk.</summary>
internal static class TargetRoom
{
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>.</exception>
    public static async Task<string> CheckAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        var target = await context.TargetSessionAsync(cancel);
        long needed = await source.ScalarAsync<long>(
            "select count(*) from pg_stat_activity where datname = current_database() and usesysid is not null and pid <> all (@own)", cancel, new NpgsqlParameter<int[]>("own", context.OwnSourcePids));
        long free = await target.ScalarAsync<long>("""
            select current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
                   - (select count(*) from pg_stat_activity where usesysid is not null and coalesce(backend_type, 'client backend') = 'client backend')
            """, cancel);
        if (free < needed)
        {
            throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                $"The target has {free} connections left for the app, and the source serves {needed} now. Raise max_connections on {context.Target} and restart it."));
        }

        string disk = await CheckDiskAsync(context, target, cancel);
        return string.Create(CultureInfo.InvariantCulture, $"{free} connections free on the target for the {needed} here, {disk}");
    }

    // SQL knows no free space. A server's program runs in the data directory, and only its exit code comes back.
    private static async Task<string> CheckDiskAsync(CutoverContext context, NpgsqlConnection target, CancellationToken cancel)
    {
        long bytes = context.Options.MinFreeDiskBytes;
        if (bytes == 0)
        {
            return "its disk not asked";
        }

        // The driver hides an error's details, and with them the exit code: whether df and awk are there is asked by itself.
        if (!await RunsAsync(target, "df -Pk . pg_wal >/dev/null && awk 'BEGIN { exit 0 }'", cancel))
        {
            return context.Link.Kind != "Wal" ? "its free disk not visible to SQL"
                : throw Preconditions.Closed($"How much is free on the disk of the target {context.Target} could not be read: its server may not run df and awk. Look there yourself, then give -MinFreeDisk 0 so that it is not asked.");
        }

        string kilobytes = (bytes / 1024).ToString(CultureInfo.InvariantCulture);
        return await RunsAsync(target, $"df -Pk . pg_wal | awk 'NR > 1 && $4 + 0 < {kilobytes} {{ low = 1 }} END {{ exit low }}'", cancel)
            ? $"{LagText.Of(bytes)} of its disk free"
            : throw Preconditions.Closed($"Less than {LagText.Of(bytes)} is free on the disk of the target's data directory or of its pg_wal. Make room there, or lower -MinFreeDisk.");
    }

    private static async Task<bool> RunsAsync(NpgsqlConnection target, string program, CancellationToken cancel)
    {
        try
        {
            await target.ExecuteAsync($"copy (select 1) to program 'cat >/dev/null; {program.Replace("'", "''", StringComparison.Ordinal)}'", cancel);
            return true;
        }
        catch (PostgresException error) when (error.SqlState is "38000" or PostgresErrorCodes.InsufficientPrivilege) // external_routine_exception
        {
            return false;
        }
    }
}
