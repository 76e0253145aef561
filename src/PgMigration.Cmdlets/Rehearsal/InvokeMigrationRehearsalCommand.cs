using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Rehearses a migration on throwaway servers of this machine, under load, and proves that nothing is lost.</summary>
/// <remarks>
/// <para>It starts a server that is locked down like a hosted one, fills it, archives its WAL, and keeps an application writing through
/// PgBouncer. Then it backs the server up, restores the backup, follows the archive, and cuts over, while the application goes on: the first leg. From
/// there it copies the schema to a server whose administrator is no superuser, as on Aurora and RDS, starts a local DMS that loads and follows, and cuts over again: the
/// second. At the end it compares what the application was told with what the servers hold, row by row.</para>
/// <para>Nothing outside this machine is touched, and everything is removed afterwards, also after Ctrl-C. It needs Linux, PostgreSQL and
/// PgBouncer. When a proof fails, the report is written all the same, and the command then ends with the error RehearsalProofFailed.</para>
/// </remarks>
/// <example>
/// <code>Invoke-MigrationRehearsal</code>
/// About 300 MB of data, eight writers and two minutes of time: how the tool works, and what it promises.
/// </example>
/// <example>
/// <code>Invoke-MigrationRehearsal -Leg 2 -DataSize 5GB</code>
/// The second leg alone, from a server of one's own by DMS.
/// </example>
/// <example>
/// <code>Invoke-MigrationRehearsal -DataSize 5GB -Writers 16 -CommitsPerSecond 2000 -Path /data/rehearsal</code>
/// A larger one, on the disk that the new server will use.
/// </example>
/// <example>
/// <code>(Invoke-MigrationRehearsal -Incident SequencesForgotten -DataSize 50MB).Story</code>
/// The accident that this tool was made after, and what keeps it from happening again.
/// </example>
/// <example>
/// <code>$report = Invoke-MigrationRehearsal -Keep
/// $report.Proofs | Where-Object -Not Passed
/// $report.Folder</code>
/// Keeps everything: the data directories, the archive, the application's own journal and the servers' logs. The servers are stopped.
/// </example>
[Cmdlet(VerbsLifecycle.Invoke, "MigrationRehearsal", SupportsShouldProcess = true)]
[OutputType(typeof(RehearsalReport))]
public sealed class InvokeMigrationRehearsalCommand : MigrationCmdlet
{
    private readonly RehearsalOptions _usual = new();

    /// <summary>About how large the database is made: 300MB, 5GB, at most 512GB. 300 MB when nothing is said.</summary>
    [Parameter(Position = 0)]
    [ByteSizeTransformation]
    [ValidateRange(1L << 20, 1L << 39)]
    public long? DataSize { get; set; }

    /// <summary>Which leg: 1, from a host without superuser to a server of one's own; 2, from there to Aurora or RDS by DMS; or Both, the default.</summary>
    [Parameter]
    public RehearsalLeg Leg { get; set; }

    /// <summary>
    /// An accident on record to replay in the second leg, alone unless -Leg says otherwise. SequencesForgotten: with the gate on sequences the cutover refuses; with it taken
    /// out the app's error rate jumps, and a gate on that stops it.
    /// </summary>
    [Parameter]
    public RehearsalIncident Incident { get; set; }

    /// <summary>How many writers go through the pooler, 3 to 50; one more goes straight to the old server. 8 when nothing is said.</summary>
    [Parameter]
    [ValidateRange(3, 50)]
    public int? Writers { get; set; }

    /// <summary>About how many transactions a second all writers commit together, if the server can. 1000 when nothing is said.</summary>
    [Parameter]
    [ValidateRange(10, 100_000)]
    public int? CommitsPerSecond { get; set; }

    /// <summary>How long the restored server follows before the cutover begins, in seconds or as a time span. 5 seconds when nothing is said.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan? Follow { get; set; }

    /// <summary>How long the application runs on the new server before the proofs are made, in seconds or as a time span. 3 seconds when nothing is said.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan? Soak { get; set; }

    /// <summary>A folder for everything; it must not exist yet or be empty, and the servers' OS user must reach it. A fresh one under the temp path when nothing is said.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>Leave all files in place, with the servers stopped, to look at.</summary>
    [Parameter]
    public SwitchParameter Keep { get; set; }

    /// <summary>The folder of the PostgreSQL programs; the newest installed ones when nothing is said.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? PostgresBin { get; set; }

    /// <summary>The OS user that runs the servers: postgres when root asks, else whoever asks.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? OSUser { get; set; }

    /// <inheritdoc/>
    protected override bool CleansUpOnSignals => true;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var options = _usual with
        {
            Leg = Incident != RehearsalIncident.None && !MyInvocation.BoundParameters.ContainsKey(nameof(Leg)) ? RehearsalLeg.Second : Leg,
            Incident = Incident,
            DataSize = DataSize ?? _usual.DataSize,
            App = _usual.App with { Writers = Writers ?? _usual.App.Writers, CommitsPerSecond = CommitsPerSecond ?? _usual.App.CommitsPerSecond },
            Follow = Follow ?? _usual.Follow,
            Soak = Soak ?? _usual.Soak,
            Path = Path is null ? null : ResolvePath(Path),
            Keep = Keep,
            PostgresBin = PostgresBin is null ? null : ResolvePath(PostgresBin),
            User = OSUser is null ? _usual.User : new OSUser(OSUser),
        };
        string what = options.Incident != RehearsalIncident.None ? $"the accident {options.Incident}" : options.Leg == RehearsalLeg.Both ? "both legs" : $"the {options.Leg.ToString().ToLowerInvariant()} leg";
        if (!await ShouldAsync(options.Path ?? "a fresh folder under the temp path", $"Rehearse {what} on throwaway servers"))
        {
            return;
        }

        var report = await MigrationRehearsal.RunAsync(options, Observer, cancel);
        Write(report);
        if (report.Failure is { } failure)
        {
            throw failure;
        }
    }
}
