using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;

namespace PgMigration;

/// <summary>The second leg of a rehearsal: a server of one's own, a managed one, and a DMS of one's own between them.</summary>
[SupportedOSPlatform("linux")]
internal sealed class SecondLeg(WorkFolder folder, OwnServer own, RehearsalOptions options, IMigrationObserver observer) : IAsyncDisposable
{
    private const string DmsLogin = "dms";
    private static readonly TimeSpan LoadPatience = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan LagPatience = TimeSpan.FromMinutes(3);

    private LocalAurora? _aurora;
    private LocalDmsServer? _dms;
    private DmsLink? _link;

    /// <summary>The target.</summary>
    public LocalAurora Aurora => _aurora ?? throw new InvalidOperationException("It was not made.");

    /// <summary>What copies and follows.</summary>
    public DmsLink Link => _link ?? throw new InvalidOperationException("It was not started.");

    private string DmsFolder => folder["dms"];

    /// <summary>Makes the managed server.</summary>
    public async Task<bool> MakeAuroraAsync(PostgresBinaries binaries, CancellationToken cancel)
    {
        _aurora = await LocalAurora.CreateAsync(folder, binaries, own.App, cancel);
        return true;
    }

    /// <summary>Copies a section of the schema, all of which must succeed.</summary>
    /// <exception cref="MigrationException"><c>SchemaObjectNotCopied</c>.</exception>
    public async Task<int> CopySchemaAsync(SchemaSection section, CancellationToken cancel)
    {
        var plan = await SchemaCopy.PlanAsync(own.Superuser, Aurora.Administrator, new SchemaCopyOptions { Section = section, PostgresBin = options.PostgresBin }, observer, cancel);
        var rows = await SchemaCopy.ApplyAsync(plan, observer, cancel: cancel);
        return rows.FirstOrDefault(row => row.Action == SchemaAction.Failed) is { } failed ? throw failed.Failure() : rows.Count;
    }

    /// <summary>Has nothing in the way of DMS.</summary>
    /// <exception cref="MigrationException"><c>RehearsalNotReady</c>, with the blockers.</exception>
    public async Task<int> CheckReadinessAsync(CancellationToken cancel)
    {
        var findings = await Readiness.ReadAsync(own.Superuser, Aurora.Administrator, observer: observer, cancel: cancel);
        var blockers = findings.Where(finding => finding.Severity == FindingSeverity.Blocker).ToList();
        return blockers.Count == 0 ? findings.Count : throw new MigrationException("RehearsalNotReady", MigrationErrorKind.InvalidOperation, $"Something stands in the way of DMS: {string.Join(" ", blockers)}");
    }

    /// <summary>Starts DMS and its replication, and returns when every table is loaded.</summary>
    /// <exception cref="MigrationException">What Start-PgDmsReplication refuses; <c>RehearsalLoadFailed</c>.</exception>
    public async Task<long> LoadAsync(Action<string> report, CancellationToken cancel)
    {
        _dms = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = DmsFolder, ProgramFolder = options.DmsProgramFolder }, cancel);
        var replication = new DmsReplicationOptions { Name = "rehearsal", SourceForDms = await MakeLoginAsync(cancel), Timeout = TimeSpan.FromMinutes(2) };
        _link = await DmsReplication.StartAsync(_dms.Access, own.App, Aurora.Administrator, replication, observer, cancel);
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var tasks = await DmsReplication.ReportAsync(_link, cancel);
            report(string.Create(CultureInfo.InvariantCulture, $"{tasks.Sum(task => task.Tables.Count(table => table.IsCompleted))} of {tasks.Sum(task => task.Tables.Count)} tables, {tasks.Sum(task => task.Tables.Sum(table => table.LoadedRows))} rows"));
            if (tasks.All(task => task.IsFollowing))
            {
                return tasks.Sum(task => task.Tables.Sum(table => table.LoadedRows));
            }

            if (tasks.FirstOrDefault(task => task.IsFailed || task.Status == "stopped") is { } failed)
            {
                throw new MigrationException("RehearsalLoadFailed", MigrationErrorKind.InvalidOperation, $"DMS's task {failed.Task} is {failed.State}: {failed.Detail} Run again with -Keep to look at {DmsFolder}.");
            }

            if (clock.Elapsed > LoadPatience)
            {
                throw new MigrationException("RehearsalLoadFailed", MigrationErrorKind.Timeout, $"DMS has not loaded all tables within {LoadPatience.TotalMinutes:0} minutes. Run again with -Keep to look at {DmsFolder}.");
            }

            await Task.Delay(250, cancel); // DMS tells nobody
        }
    }

    /// <summary>Follows until the target is a moment behind.</summary>
    /// <exception cref="MigrationException"><c>RehearsalLagStuck</c>.</exception>
    public async Task<ReplicationLag> FollowAsync(Action<string> report, CancellationToken cancel)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var lag = await Link.MeasureLagAsync(cancel);
            report(string.Create(CultureInfo.InvariantCulture, $"{lag.State}, {lag.Time?.TotalSeconds ?? 0:F1} s behind"));
            if (lag.State is LinkState.Following && lag.Time < TimeSpan.FromSeconds(2))
            {
                return lag;
            }

            if (lag.State is LinkState.Broken or LinkState.Stopped || clock.Elapsed > LagPatience)
            {
                throw new MigrationException("RehearsalLagStuck", MigrationErrorKind.Timeout,
                    string.Create(CultureInfo.InvariantCulture, $"After {clock.Elapsed.TotalSeconds:F0} s DMS is still behind ({lag.State}): {lag.Detail} Run again with -Keep to look at {DmsFolder}."));
            }

            await Task.Delay(100, cancel);
        }
    }

    /// <summary>Leaves nothing behind on either server, nor a process.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Directory.Exists(DmsFolder))
        {
            await LocalDmsServer.StopAsync(DmsFolder);
        }

        await (_aurora?.DisposeAsync() ?? default);
    }

    // DMS gets a login of its own, so that the fence can tell its sessions from the app's.
    private async Task<PgServer> MakeLoginAsync(CancellationToken cancel)
    {
        string password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        await using var session = await own.Superuser.ConnectAsync(cancel);
        await session.ExecuteAsync($"CREATE ROLE {DmsLogin} LOGIN REPLICATION PASSWORD '{password}'", cancel);
        await session.ExecuteAsync($"GRANT {SequenceStatements.Quote(own.App.User)} TO {DmsLogin}", cancel);
        return own.App.WithUser(DmsLogin).WithPassword(password);
    }
}
