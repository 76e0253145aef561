using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Waits until a link is close to its source, and passes the link on.</summary>
/// <remarks>
/// A stalled link is warned of and waited out. One that can never get there (broken, stopped, promoted) is an error. Ctrl-C ends the
/// wait, and never the link.
/// </remarks>
/// <example>
/// <code>Start-WalRestore s3://wal-bucket/prod -DataDirectory /data/pg | Wait-ReplicationLag -Source $env:DATABASE_URL -Below 00:00:10</code>
/// <para>Returns the link when the newest commit on the target is at most ten seconds old, or nothing is missing there.</para>
/// </example>
/// <example>
/// <code>$link | Wait-ReplicationLag -Below 64MB -Timeout 2h</code>
/// <para>By bytes, and at most two hours.</para>
/// </example>
/// <example>
/// <code>$link | Wait-ReplicationLag -Below 10s | Invoke-Cutover -App $app</code>
/// <para>The link goes on to the cutover, with its source.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Wait, "ReplicationLag")]
[OutputType(typeof(ReplicationLink))]
public sealed class WaitReplicationLagCommand : MigrationCmdlet
{
    /// <summary>The link to wait for.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ReplicationLinkTransformation]
    public ReplicationLink? Link { get; set; }

    /// <summary>How far it may be behind: a size such as 16MB, or a time such as 10s. An archive's link is rarely closer than one segment.</summary>
    [Parameter(Mandatory = true)]
    [LagLimitTransformation]
    public LagLimit Below { get; set; }

    /// <summary>The server that the app leaves. May be left out when the link knows it.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <summary>How long to wait; for ever by default. Bare numbers are seconds.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var link = Source is null ? Link! : Link!.WithSource(Source);
        await LagWait.UntilAsync(link, Below, Timeout, Observer, cancel);
        Write(link);
    }
}
