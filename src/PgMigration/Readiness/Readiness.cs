using Npgsql;

namespace PgMigration;

/// <summary>The door of this folder: what would go wrong in a migration, asked before it begins.</summary>
/// <remarks>Changes nothing. Reads catalogs, statistics and settings; of rows only the lengths of large values, for a bounded time.</remarks>
public static class Readiness
{
    /// <summary>Examines both servers for one way of migrating.</summary>
    /// <param name="source">The server that the app leaves, as the login that migrates: its rights are part of the answer.</param>
    /// <param name="target">The server that it goes to; null when there is none yet.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="observer">Sees progress.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>What was found, the gravest first; empty when all is well.</returns>
    /// <exception cref="MigrationException"><c>ServerBehindPooler</c>: the address is a pooler's. Or a server cannot be reached.</exception>
    public static async Task<IReadOnlyList<ReadinessFinding>> ReadAsync(PgServer source, PgServer? target = null, ReadinessOptions? options = null, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        options ??= new ReadinessOptions();
        observer ??= IMigrationObserver.None;
        await DirectReach.ProveAsync(source, "source", cancel);
        if (target is not null)
        {
            await DirectReach.ProveAsync(target, "target", cancel);
        }

        await using var here = await source.ConnectAsync(cancel);
        await here.ExecuteAsync("SET search_path = ''", cancel);
        var findings = options.Way == MigrationWay.Dms ? await OfDmsAsync(here, source.Database, target, options, observer, cancel) : await OfWalAsync(here, source, target, options, cancel);
        return findings.OrderByDescending(finding => finding.Severity).ToArray();
    }

    private static async Task<IReadOnlyList<ReadinessFinding>> OfDmsAsync(NpgsqlConnection here, string database, PgServer? target, ReadinessOptions options, IMigrationObserver observer, CancellationToken cancel)
    {
        var findings = new List<ReadinessFinding>();
        bool isThere = options.DmsLogin is null || await here.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = @login)", cancel, new NpgsqlParameter<string>("login", options.DmsLogin));
        if (!isThere)
        {
            findings.Add(new ReadinessFinding
            {
                Severity = FindingSeverity.Blocker, Name = "DmsLoginMissing", Subject = $"login {options.DmsLogin}", Consequence = "DMS cannot log in, and its rights cannot be looked at.",
                Fix = $"CREATE ROLE {SqlText.Name(options.DmsLogin!)} LOGIN REPLICATION PASSWORD '…';\n-- and let it read every table",
            });
        }

        await ReadinessRule.NameLoginAsync(here, isThere ? options.DmsLogin : null, cancel);
        foreach (var rule in DmsServerRules.All)
        {
            findings.AddRange(await rule.AskAsync(here, database: null, cancel));
        }

        foreach (var rule in DmsTableRules.All)
        {
            findings.AddRange(await rule.AskAsync(here, database, cancel));
        }

        if (target is not null)
        {
            await using var there = await target.ConnectAsync(cancel);
            await there.ExecuteAsync("SET search_path = ''", cancel);
            findings.AddRange(await DmsTargetFindings.FindAsync(here, there, target.Database, cancel));
        }

        if (options.MeasuresLargeValues)
        {
            findings.AddRange(await LargeValueFindings.FindAsync(here, database, options.SampleBytes, options.MeasureFor, observer, cancel));
        }

        return findings;
    }

    private static async Task<IReadOnlyList<ReadinessFinding>> OfWalAsync(NpgsqlConnection here, PgServer source, PgServer? target, ReadinessOptions options, CancellationToken cancel)
    {
        var findings = new List<ReadinessFinding>();
        foreach (var rule in WalRules.All)
        {
            findings.AddRange(await rule.AskAsync(here, source.Database, cancel));
        }

        findings.AddRange((await FenceObstacles.FindAsync(here, cancel)).Select(obstacle => new ReadinessFinding
        {
            Severity = FindingSeverity.Blocker, Name = "FenceObstacle", Database = source.Database, Subject = $"login {source.User}", Consequence = $"It cannot fence the source at the cutover: {obstacle}", Fix = "Give the login what it lacks, or migrate as the owner.",
        }));
        findings.AddRange(await RelationFindings.FindAsync(here, source.Database, cancel));
        if (target is not null)
        {
            findings.AddRange(await StandbyFindings.ReadAsync(target, source, cancel));
        }
        else
        {
            findings.AddRange(await WalMachineFindings.FindAsync(here, options.PostgresBin, cancel));
        }

        return findings;
    }
}
