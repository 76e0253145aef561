using System.Globalization;
using System.Text;
using Npgsql;
using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>Reads both servers and says what a replication needs; refuses what cannot come to a good end. Changes nothing.</summary>
internal static class DmsPlanner
{
    private const string ColumnsSql = """
        select n.nspname, c.relname, array_agg(a.attname::text order by a.attname)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_' group by 1, 2
        """;

    /// <summary>The plan.</summary>
    /// <param name="dms">Asked what there is already.</param>
    /// <param name="source">The source, as us.</param>
    /// <param name="target">The target, as us.</param>
    /// <param name="options">What is wanted.</param>
    /// <param name="observer">Is warned of what DMS will not move.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<DmsPlan> PlanAsync(DmsClient dms, PgServer source, PgServer target, DmsReplicationOptions options, IMigrationObserver observer, CancellationToken cancel)
    {
        await using var here = await source.ConnectAsync(cancel);
        await using var there = await target.ConnectAsync(cancel);
        await RefuseLeftAsync(here, source, target, cancel);
        string name = NameOf(options.Name ?? $"pgmigration-{source.Database}");
        if (options is { SourceSecret: not null, SourceForDms: null })
        {
            throw LoginUnknown("-SourceSecret");
        }

        var tasks = await TasksAsync(dms, name, options.TaskCount, cancel);
        await CheckSourceAsync(here, source, tasks, cancel);
        var tables = await DmsTables.ReadAsync(here, options, cancel);
        CheckKeys(tables, options, observer);

        bool isStarted = tasks.Any(task => task?.ReplicationTaskStartDate is not null);
        await CheckTargetAsync(here, there, target, tables, !isStarted, cancel);
        bool isWhole = tasks.All(task => task is not null);
        tables = isWhole ? tables : await DmsTables.WithRangesAsync(here, tables, options, cancel);
        var lobs = options.LobMaxSize is { } given ? new DmsLobs(given, "as given") : isWhole ? DmsLobs.Of(0, null) : await DmsLobs.MeasureAsync(here, tables, observer, cancel);
        var plan = new DmsPlan(name, Share(tables, tasks, observer), lobs, options, []);
        return new DmsPlan(name, plan.Parts, lobs, options, await DescribeAsync(dms, plan, tasks, source, target, cancel));
    }

    /// <summary>Refuses a source that the app has left, or is leaving: what DMS still brought from it would be written over the app's own rows.</summary>
    /// <exception cref="MigrationException"><c>SourceWasCutOver</c>.</exception>
    public static async Task RefuseLeftAsync(NpgsqlConnection source, PgServer server, PgServer target, CancellationToken cancel)
    {
        if (await MarkTable.FindClaimAsync(source, cancel) is { } cutover)
        {
            throw new MigrationException("SourceWasCutOver", MigrationErrorKind.InvalidOperation,
                $"A cutover ({cutover}) has moved the app away from {server}, or was left half done: DMS would write old rows over those that the app has written on {target} since. Where the app runs on {target}, nothing is left to do but Remove-PgDmsReplication. A cutover that is half done is gone on with by Resume-Cutover or Undo-Cutover, on the machine that has its journal (Get-Cutover). Only if the app does run on {server}: DROP TABLE {MarkTable.Schema}.mark there.");
        }
    }

    /// <summary>A secret names the login, and shows it to nobody: without it the fence could not spare DMS.</summary>
    public static MigrationException LoginUnknown(string who) => new("DmsLoginUnknown", MigrationErrorKind.InvalidArgument,
        $"{who} takes DMS's login on the source from a secret, which is not read here, and the fence of the cutover must spare that login. Name it, without a password: -SourceForDms postgres://login@host/database.");

    // All that there are, also when fewer are asked for by now.
    private static async Task<ReplicationTask?[]> TasksAsync(DmsClient dms, string name, int count, CancellationToken cancel)
    {
        var tasks = new List<ReplicationTask?>();
        while (await DmsTasks.FindAsync(dms, string.Create(CultureInfo.InvariantCulture, $"{name}-{tasks.Count + 1}"), cancel) is var task && (task is not null || tasks.Count < count))
        {
            tasks.Add(task);
        }

        return [.. tasks];
    }

    // What a task has it keeps, whatever the tables' sizes are by now: a start that was cut short must not give a table to two.
    private static IReadOnlyList<IReadOnlyList<DmsTable>> Share(IReadOnlyList<DmsTable> tables, ReplicationTask?[] tasks, IMigrationObserver observer)
    {
        var taken = tasks.Select(task => task?.TableMappings is { } mappings ? DmsTableMappings.Selected(mappings).ToHashSet() : null).ToArray();
        var rest = tables.Where(table => !taken.Any(part => part?.Contains((table.Schema, table.Name)) == true)).ToArray();
        int missing = tasks.Count(task => task is null);
        if (missing == 0 && rest.Length > 0)
        {
            observer.Warning($"The tasks that there are do not have {rest.Length} of the tables: {Names(rest)}. Leave them out with -Exclude, or move them with tasks of another -Name.");
        }

        var shares = new Queue<IReadOnlyList<DmsTable>>(missing == 0 ? [] : DmsTables.Split(rest, missing));
        return [.. taken.Select(part => part is not null ? [.. tables.Where(table => part.Contains((table.Schema, table.Name)))] : shares.TryDequeue(out var share) ? share : [])];
    }

    /// <summary>A name as DMS takes it: letters, digits and single hyphens, beginning with a letter.</summary>
    internal static string NameOf(string wanted)
    {
        var name = new StringBuilder();
        foreach (char c in wanted)
        {
            _ = char.IsAsciiLetterOrDigit(c) ? name.Append(char.ToLowerInvariant(c)) : name.Length > 0 && name[^1] != '-' ? name.Append('-') : name;
        }

        string text = name.ToString().Trim('-');
        return text.Length > 0 && char.IsAsciiLetter(text[0]) && text.Length <= 50 ? text
            : throw new MigrationException("DmsNameInvalid", MigrationErrorKind.InvalidArgument, $"'{wanted}' is no name for things in DMS: expected 1 to 50 letters, digits and hyphens that begin with a letter. Give one with -Name.");
    }

    private static async Task CheckSourceAsync(NpgsqlConnection source, PgServer server, ReplicationTask?[] tasks, CancellationToken cancel)
    {
        var (level, free, senders, recovers) = (await source.RowsAsync("""
            select current_setting('wal_level'), current_setting('max_replication_slots')::int - (select count(*)::int from pg_replication_slots),
                   current_setting('max_wal_senders')::int - (select count(*)::int from pg_stat_replication), pg_is_in_recovery()
            """, row => (row.GetString(0), row.GetInt32(1), row.GetInt32(2), row.GetBoolean(3)), cancel))[0];
        if (recovers)
        {
            throw new MigrationException("SourceInRecovery", MigrationErrorKind.InvalidOperation, $"The source {server} is a standby. Name the primary.");
        }

        if (level != "logical")
        {
            throw new MigrationException("DmsWalLevel", MigrationErrorKind.InvalidOperation, $"wal_level of the source {server} is {level}; DMS follows changes only with logical. Run ALTER SYSTEM SET wal_level = logical and restart it (on RDS: rds.logical_replication = 1).");
        }

        // A task has its slot from its first start on, and its sender while it runs.
        int slots = tasks.Count(task => task?.ReplicationTaskStartDate is null);
        int idle = tasks.Count(task => task?.Status is not ("running" or "starting"));
        if (free < slots || senders < idle)
        {
            throw new MigrationException("DmsNoSlots", MigrationErrorKind.ResourceUnavailable, string.Create(CultureInfo.InvariantCulture,
                $"The source {server} has {Math.Max(0, free)} replication slots and {Math.Max(0, senders)} WAL senders left, and {slots} of the {tasks.Length} tasks still need a slot, {idle} a sender. Raise max_replication_slots and max_wal_senders and restart it, or drop slots that nobody uses."));
        }
    }

    private static void CheckKeys(IReadOnlyList<DmsTable> tables, DmsReplicationOptions options, IMigrationObserver observer)
    {
        Warn(tables.Where(table => table.IsUnlogged), "are unlogged: their changes are in no WAL, so DMS loads them and then leaves them behind. Copy them during the pause, or ALTER TABLE … SET LOGGED.");
        if (tables.Where(table => table.HasLargeKey).ToArray() is [_, ..] large)
        {
            throw new MigrationException("DmsLargeKey", MigrationErrorKind.InvalidOperation, string.Create(CultureInfo.InvariantCulture,
                $"{large.Length} tables have text, or another large type, in their primary key: {Names(large)}. DMS writes a row without its large values first, and a key cannot be NULL. Give the columns a bound that every value keeps (ALTER TABLE … ALTER COLUMN … TYPE varchar(255)), or leave the tables out with -Exclude and copy them in the pause."));
        }

        if (tables.Where(table => table.IdentityGap is not null && (table.KeyColumns.Count > 0 || table.IdentityGap == RowIdentity.IndexGone)).ToArray() is [_, ..] mute)
        {
            throw new MigrationException("DmsNoRowIdentity", MigrationErrorKind.InvalidOperation, string.Create(CultureInfo.InvariantCulture,
                $"The updates and deletes of {mute.Length} tables do not say which row they are about, so DMS would lose them without a word: {string.Join("; ", mute.Take(10).Select(table => RowIdentity.Mend(table.Quoted, table.IdentityGap!, table.KeyColumns.Count > 0)))}{(mute.Length > 10 ? "; …" : string.Empty)}. Run that on the source, or leave them out with -Exclude."));
        }

        var keyless = tables.Where(table => table.IdentityGap is not null).ToArray();
        if (keyless.Length > 0 && !options.AllowNoPrimaryKey)
        {
            throw new MigrationException("DmsNoPrimaryKey", MigrationErrorKind.InvalidOperation, string.Create(CultureInfo.InvariantCulture,
                $"{keyless.Length} tables have no primary key, so DMS moves neither their updates nor their deletes: {Names(keyless)}. Give them one, or ALTER TABLE … REPLICA IDENTITY FULL, or leave them out with -Exclude; if they are only ever inserted into, say so with -AllowNoPrimaryKey."));
        }

        Warn(keyless, "have no primary key: DMS moves their inserts, and neither updates nor deletes.");

        void Warn(IEnumerable<DmsTable> found, string what)
        {
            if (found.ToArray() is [_, ..] some)
            {
                observer.Warning(string.Create(CultureInfo.InvariantCulture, $"{some.Length} tables {what} {Names(some)}"));
            }
        }
    }

    private static async Task CheckTargetAsync(NpgsqlConnection source, NpgsqlConnection target, PgServer server, IReadOnlyList<DmsTable> tables, bool isNew, CancellationToken cancel)
    {
        async Task<Dictionary<(string, string), string[]>> ColumnsAsync(NpgsqlConnection session) =>
            (await session.RowsAsync(ColumnsSql, row => (Key: (row.GetString(0), row.GetString(1)), Columns: row.GetFieldValue<string[]>(2)), cancel)).ToDictionary(table => table.Key, table => table.Columns);

        var here = await ColumnsAsync(source);
        var there = await ColumnsAsync(target);
        if (tables.Where(table => !there.ContainsKey((table.Schema, table.Name))).ToArray() is [_, ..] missing)
        {
            throw new MigrationException("DmsTargetTablesMissing", MigrationErrorKind.NotFound, string.Create(CultureInfo.InvariantCulture,
                $"{missing.Length} tables are not on the target {server}: {Names(missing)}. What DMS would make of them has no defaults, sequences or constraints: make them first, with Copy-PgSchema -Section PreData."));
        }

        if (tables.FirstOrDefault(table => here[(table.Schema, table.Name)].Except(there[(table.Schema, table.Name)]).Any()) is { } narrow)
        {
            throw new MigrationException("DmsTargetColumnsMissing", MigrationErrorKind.InvalidData,
                $"{narrow} on the target {server} lacks columns: {string.Join(", ", here[(narrow.Schema, narrow.Name)].Except(there[(narrow.Schema, narrow.Name)]))}. Make the schema anew, with Copy-PgSchema -Section PreData.");
        }

        try
        {
            await target.ExecuteAsync("begin; set local session_replication_role = replica; rollback", cancel);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            await target.ExecuteAsync("rollback", cancel);
            throw new MigrationException("DmsReplicaRoleDenied", MigrationErrorKind.PermissionDenied,
                $"The login {server.User} on the target may not set session_replication_role, without which foreign keys and triggers break the load. A superuser runs: GRANT SET ON PARAMETER session_replication_role TO {SqlText.Name(server.User)} (15 and newer); on RDS and Aurora the login needs rds_superuser.", error);
        }

        if (isNew)
        {
            await CheckEmptyAsync(target, server, tables, cancel);
        }
    }

    private static async Task CheckEmptyAsync(NpgsqlConnection target, PgServer server, IReadOnlyList<DmsTable> tables, CancellationToken cancel)
    {
        var filled = new List<DmsTable>();
        foreach (var some in tables.Chunk(200))
        {
            var flags = await target.RowsAsync(string.Join(" union all ", some.Select((table, place) => string.Create(CultureInfo.InvariantCulture, $"select {place} where exists (select from {table.Quoted})"))), row => row.GetInt32(0), cancel);
            filled.AddRange(flags.Select(place => some[place]));
        }

        if (filled.Count > 0)
        {
            throw new MigrationException("DmsTargetNotEmpty", MigrationErrorKind.InvalidOperation, string.Create(CultureInfo.InvariantCulture,
                $"{filled.Count} tables on the target {server} hold rows already, which the load would double or collide with: {Names(filled)}. Empty them (TRUNCATE them together in one statement), or leave them out with -Exclude."));
        }
    }

    private static async Task<IReadOnlyList<DmsPlanRow>> DescribeAsync(DmsClient dms, DmsPlan plan, ReplicationTask?[] tasks, PgServer source, PgServer target, CancellationToken cancel)
    {
        var options = plan.Options;
        var instance = await DmsInstances.FindAsync(dms, plan.InstanceName, cancel);
        var rows = new List<DmsPlanRow>
        {
            new("Instance", plan.InstanceName, instance is null ? "Create" : "Use", instance is null ? string.Create(CultureInfo.InvariantCulture, $"{options.InstanceClass}, {options.AllocatedStorage} GB") : $"{instance.ReplicationInstanceClass}, {instance.ReplicationInstanceStatus}"),
            new("Endpoint", options.SourceEndpointArn ?? plan.SourceEndpoint, options.SourceEndpointArn is null ? "Create" : "Use", $"{options.SourceForDms ?? source}{(options.SourceSecret is null ? string.Empty : ", secret in Secrets Manager")}"),
            new("Endpoint", options.TargetEndpointArn ?? plan.TargetEndpoint, options.TargetEndpointArn is null ? "Create" : "Use", $"{options.TargetForDms ?? target}{(options.TargetSecret is null ? string.Empty : ", secret in Secrets Manager")}"),
        };
        string lobs = plan.Lobs.NeedsFullMode ? $"full LOB mode ({plan.Lobs.Where} needs it)" : string.Create(CultureInfo.InvariantCulture, $"LOBs up to {plan.Lobs.MaxSize} KB{(plan.Lobs.Where is null ? string.Empty : $" ({plan.Lobs.Where})")}");
        for (int place = 0; place < plan.Parts.Count; place++)
        {
            var part = plan.Parts[place];
            var task = tasks[place];
            int ranges = part.Count(table => table.Boundaries.Count > 0);
            rows.Add(new("Task", plan.TaskName(place), task is null ? "Create" : task.Status == "running" ? "Use" : "Start", task is null
                ? string.Create(CultureInfo.InvariantCulture, $"{part.Count} tables, {LagText.Of(part.Sum(table => table.Bytes))}{(ranges > 0 ? $", {ranges} of them in ranges" : string.Empty)}; {lobs}")
                : $"is {task.Status}"));
        }

        return [.. rows];
    }

    private static string Names(IReadOnlyList<DmsTable> tables) => string.Join(", ", tables.Take(10)) + (tables.Count > 10 ? ", …" : string.Empty);
}
