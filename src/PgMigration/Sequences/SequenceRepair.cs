using System.Globalization;

namespace PgMigration;

/// <summary>Makes every sequence of a target stand where no insert collides, and makes those that are missing.</summary>
/// <remarks>
/// What copies rows without the rest of the schema (DMS, logical replication) leaves sequences behind or leaves them out. Planning only
/// reads, also on a standby or a fenced server; applying changes nothing that the plan's rows do not show. Each takes a constant number
/// of round trips, whatever the number of sequences. Where each sequence must stand:
/// the farthest of the source's sequence and the values in all columns that take from it, plus the safety margin; never before its own
/// position. "Farthest" is largest, or smallest for one that counts down. A sequence that cycles has no farthest value: its column counts
/// only while it has given out nothing.
/// </remarks>
public static class SequenceRepair
{
    /// <summary>Reads both sides and decides for each sequence; changes nothing.</summary>
    /// <param name="target">The database to repair.</param>
    /// <param name="source">The database it was copied from: its sequences say which columns must have one, and where each stands. Null when there is none.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="observer">Is warned of what slows the reading or cannot be compared.</param>
    /// <param name="cancel">Ends the reading.</param>
    public static async Task<SequencePlan> PlanAsync(
        PgServer target, PgServer? source = null, SequenceRepairOptions? options = null, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        options ??= new SequenceRepairOptions();
        observer ??= IMigrationObserver.None;
        if (options.SafetyMargin < 0)
        {
            throw new MigrationException("SafetyMarginInvalid", MigrationErrorKind.InvalidArgument,
                string.Create(CultureInfo.InvariantCulture, $"The safety margin {options.SafetyMargin} is negative; a sequence is never moved backwards. Give 0 or more."));
        }

        if (source is not null && source.Equals(target))
        {
            throw new MigrationException("SourceIsTarget", MigrationErrorKind.InvalidArgument, $"Source and target are the same database, {target}. Name the database that was copied as the source.");
        }

        var sourceCatalog = source is null ? null : await ReadSourceAsync(source, observer, cancel);
        await using var connection = await target.ConnectAsync(cancel);
        var catalog = await SequenceCatalog.ReadDefinitionsAsync(connection, cancel);
        var having = catalog.Uses.Select(Key).ToHashSet();
        var candidates = await SequenceCatalog.ReadCandidatesAsync(
            connection, [.. (sourceCatalog?.Uses ?? []).Where(use => !having.Contains(Key(use))).Select(use => use.Column!)], options.ByNamingRule, cancel);
        var planner = new SequencePlanner(catalog, sourceCatalog, options);
        var missing = candidates.Select(planner.Missing).ToArray();
        await SequenceValues.ReadAsync(connection, catalog.States.Values, [.. catalog.Uses, .. missing.Select(found => found.Use)], observer, cancel);
        ReportAbsent(sourceCatalog, having, candidates, observer);
        return new SequencePlan(target, options, planner.Steps(missing));
    }

    /// <summary>Carries a plan out, as far as each row can be, and returns the rows as they came out.</summary>
    /// <remarks>
    /// A missing sequence is made, owned and attached in a transaction of its own, so one that fails leaves the others and nothing half
    /// done. Values are moved some hundred sequences a transaction; PostgreSQL does not roll a value back, and there is no need to.
    /// No row of a table is locked, and a table only for the instant in which its column's default changes.
    /// </remarks>
    /// <param name="plan">What <see cref="PlanAsync"/> returned.</param>
    /// <param name="observer">Sees progress.</param>
    /// <param name="cancel">Ends the work between statements; what is done stays done, and another run goes on from there.</param>
    /// <exception cref="MigrationException"><c>TargetReadOnly</c>: the target is a standby.</exception>
    public static async Task<IReadOnlyList<SequenceRepairRow>> ApplyAsync(SequencePlan plan, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (!plan.HasChanges)
        {
            return plan.Rows;
        }

        await using var connection = await plan.Target.ConnectAsync(cancel);
        return await SequenceChanges.ApplyAsync(connection, plan, observer ?? IMigrationObserver.None, cancel);
    }

    internal static (string, string, string) Key(SequenceUse use) => (use.Column!.Schema, use.Column.Table, use.Column.Name);

    private static async Task<SequenceCatalog> ReadSourceAsync(PgServer source, IMigrationObserver observer, CancellationToken cancel)
    {
        await using var connection = await source.ConnectAsync(cancel);
        var catalog = await SequenceCatalog.ReadDefinitionsAsync(connection, cancel);
        await SequenceValues.ReadAsync(connection, catalog.States.Values, [], observer, cancel);
        return catalog;
    }

    private static void ReportAbsent(SequenceCatalog? source, HashSet<(string, string, string)> having, IReadOnlyList<SequenceCandidate> candidates, IMigrationObserver observer)
    {
        var found = candidates.Select(candidate => (candidate.Column.Schema, candidate.Column.Table, candidate.Column.Name)).ToHashSet();
        var absent = (source?.Uses ?? []).Where(use => !having.Contains(Key(use)) && !found.Contains(Key(use))).Select(use => use.Column!.Title).ToArray();
        if (absent.Length > 0)
        {
            observer.Warning(string.Create(CultureInfo.InvariantCulture,
                $"{absent.Length} columns have a sequence on the source and do not exist on the target: {string.Join(", ", absent.Take(5))}{(absent.Length > 5 ? ", …" : string.Empty)}. If they are still to be copied, repair again afterwards."));
        }
    }
}
