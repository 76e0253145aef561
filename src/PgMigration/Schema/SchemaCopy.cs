using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Copies a database's schema to a server that gets its rows by DMS or by logical replication: what must be there before the rows, and after.</summary>
/// <remarks>
/// <para>pg_dump says what there is. What is on the target already is left alone, known by kind and name, so another run makes only what is missing;
/// each object is made as a whole or not at all. Primary keys come before the data, since changes find their rows by them.</para>
/// <para>Planning only reads, on both sides. Sequences stand at their beginning afterwards: <see cref="SequenceRepair"/> moves them.</para>
/// </remarks>
public static class SchemaCopy
{
    /// <summary>Reads both sides and decides for each object; changes nothing.</summary>
    /// <param name="source">The database whose schema it is; also a fenced one.</param>
    /// <param name="target">The database that gets it.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="observer">Sees progress.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="MigrationException"><c>SourceIsTarget</c>, <c>ServerBehindPooler</c>, <c>TargetReadOnly</c>, <c>PostgresNotFound</c>, <c>PgDumpTooOld</c>, <c>PgDumpFailed</c>, <c>SchemaDumpUnreadable</c>.</exception>
    public static async Task<SchemaPlan> PlanAsync(PgServer source, PgServer target, SchemaCopyOptions? options = null, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        options ??= new SchemaCopyOptions();
        observer ??= IMigrationObserver.None;
        if (source.Equals(target))
        {
            throw new MigrationException("SourceIsTarget", MigrationErrorKind.InvalidArgument, $"Source and target are the same database, {target}. Name the new server's database as the target.");
        }

        if (options.Parallelism < 1)
        {
            throw new MigrationException("ParallelismInvalid", MigrationErrorKind.InvalidArgument, string.Create(CultureInfo.InvariantCulture, $"The parallelism {options.Parallelism} is below 1. Give the number of indexes to build at the same time."));
        }

        await DirectReach.ProveAsync(target, "target", cancel);
        await DirectReach.ProveAsync(source, "source", cancel);
        await using var there = await target.ConnectAsync(cancel);
        if (await there.ScalarAsync<bool>("SELECT pg_is_in_recovery()", cancel))
        {
            throw new MigrationException("TargetReadOnly", MigrationErrorKind.InvalidOperation, $"{target} is a standby: its schema is its primary's. Name the primary.");
        }

        await using var here = await source.ConnectAsync(cancel);
        await here.ExecuteAsync("SET search_path = ''", cancel); // as pg_dump reads: every name with its schema
        if (options.Section == SchemaSection.Final)
        {
            // the catalogs alone say it
            return new SchemaPlan(target, options, new SchemaPlanner([], await SchemaSource.ReadFinalAsync(here, cancel), await SchemaTarget.ReadFinalAsync(there, cancel), target.User, options).Steps());
        }

        observer.Progress(new MigrationProgress("Copying the schema", "reading the source with pg_dump"));
        var programs = DumpPrograms.Find(options.PostgresBin, here.PostgreSqlVersion.Major, there.PostgreSqlVersion.Major);
        var entries = await SchemaDump.ReadAsync(programs, source, options, cancel);
        observer.Progress(new MigrationProgress("Copying the schema", "comparing with the target"));
        var planner = new SchemaPlanner(entries, await SchemaSource.ReadAsync(here, entries, cancel), await SchemaTarget.ReadAsync(there, cancel), target.User, options);
        var plan = new SchemaPlan(target, options, planner.Steps());
        observer.Progress(new MigrationProgress("Copying the schema", "planned") { Completed = true });
        return plan;
    }

    /// <summary>Carries a plan out, as far as each row can be, and returns the rows as they came out.</summary>
    /// <param name="plan">What <see cref="PlanAsync"/> returned.</param>
    /// <param name="observer">Sees progress.</param>
    /// <param name="written">Gets each row when it is done, from any thread; null when the result is enough.</param>
    /// <param name="cancel">Ends the work: what is made stays, what was half made is removed, and another run goes on from there.</param>
    /// <returns>The rows in the plan's order.</returns>
    public static Task<IReadOnlyList<SchemaRow>> ApplyAsync(SchemaPlan plan, IMigrationObserver? observer = null, Action<SchemaRow>? written = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return new SchemaWork(plan, observer ?? IMigrationObserver.None, written ?? (_ => { })).RunAsync(cancel);
    }

    /// <summary>What the section Final would do, by sessions that there are; changes nothing.</summary>
    internal static async Task<IReadOnlyList<SchemaStep>> FinalStepsAsync(NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancel)
    {
        await using var reading = await source.BeginTransactionAsync(cancel);
        await source.ExecuteAsync("SET LOCAL search_path = ''", cancel); // so that every name comes with its schema
        var here = await SchemaSource.ReadFinalAsync(source, cancel);
        return [.. new LateSteps(here, await SchemaTarget.ReadFinalAsync(target, cancel), new HashSet<string>()).Final()];
    }

    /// <summary>What undoes the section Final, so that rows can be copied again.</summary>
    internal static async Task<IReadOnlyList<string>> ReopeningAsync(NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancel)
    {
        var here = await SchemaSource.ReadFinalAsync(source, cancel);
        var there = await SchemaTarget.ReadFinalAsync(target, cancel);
        return
        [
            .. here.AlwaysIdentities.Where(column => there.ColumnOf.TryGetValue((column.Table, column.Column), out var found) && found.Identity == "a")
                .Select(column => $"ALTER TABLE {column.Table} ALTER COLUMN {column.Column} SET GENERATED BY DEFAULT"),
            .. here.EagerTriggers.Where(trigger => there.Objects.Contains((Catalogs.Triggers, $"{trigger.Name} on {trigger.Table}"))).Select(trigger => $"DROP TRIGGER {trigger.Name} ON {trigger.Table}"),
        ];
    }
}
