using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace PgMigration;

/// <summary>
/// What a standby's configuration says that shows only once it is promoted. A base backup brings the old server's configuration with it, and one
/// that was made for a replica is not one for the app's server.
/// </summary>
internal static partial class TargetSettings
{
    // A file may say something that no reload has taken yet; the cutover reloads (for max_standby_archive_delay), and then it holds.
    private const string InFile = "(select f.setting from pg_file_settings f where f.name = s.name and f.error is null order by f.seqno desc limit 1)";

    // What changes an app's results or ends its statements, where the two servers differ: no gate, since the new ones may be meant.
    private static readonly string[] SeenByApps =
    [
        "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout", "default_transaction_isolation",
        "TimeZone", "DateStyle", "IntervalStyle", "bytea_output", "search_path", "synchronous_commit", "row_security", "lo_compat_privileges",
    ];

    /// <summary>Refuses what would keep the promoted server from taking the app's writes, and warns of what would surprise.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>, with what to run on the target.</exception>
    public static async Task CheckAsync(CutoverContext context, CancellationToken cancel)
    {
        await using var fresh = await context.Target.ConnectAsync(cancel); // without the settings that our own sessions bring along
        await CheckReadOnlyAsync(context, fresh, cancel);
        await CheckStandbysAsync(context, fresh, cancel);
        await WarnOfArchivingAsync(context, fresh, cancel);
    }

    /// <summary>As the app will see it: its own login, at its own address.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>.</exception>
    public static async Task CheckAsAppAsync(CutoverContext context, NpgsqlConnection app, CancellationToken cancel)
    {
        if (await app.ScalarAsync<bool>("select setting = 'on' and source in ('configuration file', 'command line', 'environment variable') from pg_settings where name = 'default_transaction_read_only'", cancel))
        {
            throw ReadOnly(context, $"a new session of {context.AppTarget.User} there begins read-only");
        }

        if (context.AppTarget.User != context.Source.User)
        {
            return; // two logins may differ in what is set for them
        }

        await using var source = await context.Source.ConnectAsync(cancel);
        const string Sql = "select name, current_setting(name) from pg_settings where name = any (@names)";
        async Task<Dictionary<string, string>> ReadAsync(NpgsqlConnection session) =>
            (await session.RowsAsync(Sql, row => (Name: row.GetString(0), Value: row.GetString(1)), cancel, new NpgsqlParameter<string[]>("names", SeenByApps))).ToDictionary(row => row.Name, row => row.Value);
        var (here, there) = (await ReadAsync(source), await ReadAsync(app));
        var differing = here.Where(each => there.TryGetValue(each.Key, out string? value) && value != each.Value).Select(each => $"{each.Key} ({each.Value}, there {there[each.Key]})").ToList();
        if (differing.Count > 0)
        {
            context.Observer.Warning($"Settings that the app notices differ on the target: {string.Join(", ", differing)}. Set them there as they are here, unless that is meant.");
        }
    }

    private static async Task CheckReadOnlyAsync(CutoverContext context, NpgsqlConnection target, CancellationToken cancel)
    {
        var (now, source, file) = (await target.RowsAsync($"select s.setting = 'on', s.source, {InFile}::boolean from pg_settings s where s.name = 'default_transaction_read_only'",
            row => (row.GetBoolean(0), row.GetString(1), !row.IsDBNull(2) && row.GetBoolean(2)), cancel))[0];
        // What stands in the catalog is the source's, and asked there: here it may be the fence of a cutover that was undone, not replayed yet.
        bool configured = now && source is ("configuration file" or "command line" or "environment variable");
        if (configured || (file && (now || source != "database")))
        {
            throw ReadOnly(context, $"its configuration ({(configured ? source : "a file that the next reload takes")}) says default_transaction_read_only = on, as is usual on a replica");
        }
    }

    private static MigrationException ReadOnly(CutoverContext context, string why) => Preconditions.Closed(
        $"The target would refuse the app's writes once it is promoted: {why}. Run on {context.Target}: ALTER SYSTEM SET default_transaction_read_only = off; SELECT pg_reload_conf().");

    // A commit waits for as many standbys as the setting names, for ever. The standbys of a standby are no synchronous ones yet, so who would
    // be one is told by its name.
    private static async Task CheckStandbysAsync(CutoverContext context, NpgsqlConnection target, CancellationToken cancel)
    {
        string names = await target.ScalarAsync<string>($"select coalesce({InFile}, s.setting) from pg_settings s where s.name = 'synchronous_standby_names'", cancel);
        if (string.IsNullOrWhiteSpace(names))
        {
            return;
        }

        var connected = await target.RowsAsync("select application_name from pg_stat_replication", row => row.GetString(0), cancel);
        var (needed, wanted) = ReadStandbys(names);
        int there = connected.Count(name => wanted.Contains(name) || wanted.Contains("*"));
        if (there < needed)
        {
            throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                $"On the target synchronous_standby_names is '{names}', perhaps from the old server's configuration, and {there} such standbys are connected where {needed} are needed: once it is promoted, every commit of the app would wait for ever. Run on {context.Target}: ALTER SYSTEM SET synchronous_standby_names = ''; SELECT pg_reload_conf() — or connect the standbys first."));
        }

        context.Observer.Warning($"On the target synchronous_standby_names is '{names}': the app's commits there wait for standbys. Should they go away, commits hang.");
    }

    /// <summary>How many standbys the setting asks for, and of which names; <c>*</c> for any. Source: PostgreSQL's manual, synchronous_standby_names.</summary>
    internal static (int Needed, HashSet<string> Names) ReadStandbys(string setting)
    {
        var match = Standbys().Match(setting);
        string list = match.Groups["list"].Success ? match.Groups["list"].Value : setting;
        int needed = int.TryParse(match.Groups["number"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 1;
        return (needed, list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(name => name.Trim('"')).ToHashSet(StringComparer.OrdinalIgnoreCase));
    }

    // From its promotion on the target writes a timeline of its own. In the old server's archive that would lead astray whoever restores from
    // there: by default a restore follows the newest timeline it finds, also that of a target that was stopped again by an undo.
    private static async Task WarnOfArchivingAsync(CutoverContext context, NpgsqlConnection target, CancellationToken cancel)
    {
        var where = await target.RowsAsync("""
            select s.setting, current_setting('archive_command') from pg_settings s where s.name = 'archive_mode' and s.setting <> 'off'
              and (current_setting('archive_command') <> '' or coalesce(current_setting('archive_library', true), '') <> '')
            """, row => (Mode: row.GetString(0), Command: row.GetString(1)), cancel);
        if (where is not [var archiving, ..])
        {
            return;
        }

        // Only a superuser sees the source's.
        string? theirs = await (await context.SourceSessionAsync(cancel)).TextOrNullAsync(
            "select current_setting('archive_command') where (select rolsuper from pg_roles where rolname = current_user) or pg_has_role('pg_read_all_settings', 'usage')", cancel);
        string same = theirs is not null && theirs == archiving.Command && theirs.Length > 0 ? " by the same command as the source" : string.Empty;
        context.Observer.Warning($"The target archives its WAL (archive_mode = {archiving.Mode}){same}. See that this is an archive of its own: from the promotion on it writes a new timeline, and in the source's archive that would lead the next restore there astray, also after an undo. Otherwise run on {context.Target}: ALTER SYSTEM SET archive_command = ''; SELECT pg_reload_conf() — and give it an archive of its own after the cutover.");
    }

    [GeneratedRegex(@"^\s*(?:first\s+|any\s+)?(?<number>[0-9]+)\s*\((?<list>.*)\)\s*$", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Standbys();
}
