using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>What Invoke-, Resume- and Undo-Cutover have in common: the link, the app, the limits.</summary>
public abstract class CutoverCmdlet : MigrationCmdlet
{
    /// <summary>The link to cut over: what Start-WalRestore, Get-WalRestore, Start-PgDmsReplication or Get-MigrationLink returned, also over remoting.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ReplicationLinkTransformation]
    public ReplicationLink? Link { get; set; }

    /// <summary>How the application is paused, repointed and let go on: from New-MigrationApp.</summary>
    [Parameter(Mandatory = true)]
    [MigrationAppTransformation]
    public MigrationApp? App { get; set; }

    /// <summary>The server that the app leaves, as a login that owns the app's tables. May be left out when the link knows it.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <summary>The new server as a superuser (by DMS: as the owner of the tables), when it is reached another way than the link knows: from another machine, or with a secret that did not travel.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? Target { get; set; }

    /// <summary>The new server as the app is to reach it, when that is not the address that the link knows.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? AppTarget { get; set; }

    /// <summary>The old server as the app is to reach it again on the way back, when that is not -Source.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? AppSource { get; set; }

    /// <summary>How long the app may be paused before the cutover gives up and lets it go on at the source. Bare numbers are seconds; by default 50 and what -PauseTimeout and a smoke test may take: 60 for PgBouncer.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan? MaxPause { get; set; }

    /// <summary>How long the app's open transactions may take to end. Bare numbers are seconds; 10 by default, 90 for an app on Heroku, whose dynos take that long to stop.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan? PauseTimeout { get; set; }

    /// <summary>How long transactions that this login may not end may take to finish after the fence is raised, and how long a transaction may stay prepared. Bare numbers are seconds; 10 by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan FenceTimeout { get; set; } = TimeSpan.FromSeconds(10);

    private TimeSpan UsualPause => TimeSpan.FromSeconds(50) + (PauseTimeout ?? App!.UsualPauseTimeout);

    /// <summary>A dropped SSH session or a SIGTERM must not leave the app paused.</summary>
    protected override bool CleansUpOnSignals => true;

    /// <summary>The cutover that the parameters describe.</summary>
    /// <exception cref="MigrationException"><c>SourceMissing</c>.</exception>
    protected Cutover Cutover(CutoverOptions? options = null)
    {
        var source = Source ?? Link!.Source ?? throw new MigrationException("SourceMissing", MigrationErrorKind.InvalidArgument,
            "The link does not know its source. Give the server that the app leaves with -Source, such as -Source $env:DATABASE_URL.");
        return new Cutover(Target is null ? Link! : Link!.WithTarget(Target.WithDatabase(source.Database)), source, App!, (options ?? new CutoverOptions()) with
        {
            AppTarget = AppTarget, AppSource = AppSource, MaxPause = MaxPause ?? UsualPause + (App!.SmokeTest?.Timeout ?? TimeSpan.Zero), PauseTimeout = PauseTimeout ?? App!.UsualPauseTimeout, FenceTimeout = FenceTimeout,
        }, Observer);
    }
}
