using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Reports how far a link's target is behind its source.</summary>
/// <remarks>
/// One record for every kind of link: positions, bytes, time and state. Time is zero when nothing committed on the source is missing on
/// the target; a link that does not flow says why in Detail, and never counts as caught up. A source or a target that cannot be reached
/// is no error but a record: it has the other's position, and Detail says who did not answer. So -Watch outlasts a restart of either.
/// </remarks>
/// <example>
/// <code>Get-WalRestore -DataDirectory /data/pg -Source $env:DATABASE_URL | Get-ReplicationLag</code>
/// <para>The lag now.</para>
/// </example>
/// <example>
/// <code>$link | Get-ReplicationLag -Watch -Interval 5s</code>
/// <para>One record every five seconds, until Ctrl-C.</para>
/// </example>
/// <example>
/// <code>$link | Get-ReplicationLag -Watch | Where-Object State -NE Following | ForEach-Object Detail</code>
/// <para>Tells only when something is not as it should be.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "ReplicationLag")]
[OutputType(typeof(ReplicationLag))]
public sealed class GetReplicationLagCommand : MigrationCmdlet
{
    /// <summary>The link to ask: what Start-WalRestore, Start-PgReplication or Start-PgDmsReplication returned.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ReplicationLinkTransformation]
    public ReplicationLink? Link { get; set; }

    /// <summary>The server that the app leaves. May be left out when the link knows it; without it only the target can be asked.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <summary>Keep asking, one record each interval, until stopped.</summary>
    [Parameter]
    public SwitchParameter Watch { get; set; }

    /// <summary>The pause between two records with -Watch. Bare numbers are seconds; 2 by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var link = Source is null ? Link! : Link!.WithSource(Source);
        var lag = await link.MeasureLagAsync(cancel);
        if (!Watch && link.Source is not null && lag is { SourceLsn: null, Detail: { } detail })
        {
            WriteWarningLine(detail);
        }

        Write(lag);
        using var timer = Watch ? new PeriodicTimer(Interval > TimeSpan.Zero ? Interval : TimeSpan.FromMilliseconds(100)) : null;
        while (timer is not null && await timer.WaitForNextTickAsync(cancel))
        {
            Write(await link.MeasureLagAsync(cancel));
        }
    }
}
