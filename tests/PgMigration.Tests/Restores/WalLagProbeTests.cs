using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>What a probe makes of the first thing it ever sees: a session that has just come must know a link that stands still.</summary>
public sealed class WalLagProbeTests
{
    private const int Segment = WalSegmentName.DefaultSize;
    private static readonly Lsn Replayed = Lsn.Parse("1/0");

    [Fact]
    public void A_link_that_has_stood_still_for_minutes_is_stalled_at_the_first_look_of_a_new_session()
    {
        var lag = new WalLagProbe().Judge(Source(3L * Segment), Target(TimeSpan.FromMinutes(5)), new WalLinkSurroundings());

        Assert.Equal(LinkState.Stalled, lag.State);
        Assert.Contains("5 minutes", lag.Detail, StringComparison.Ordinal);
        Assert.False(LagLimit.OfBytes(100 << 20).IsMet(lag));
    }

    [Fact]
    public void A_link_that_got_a_segment_just_now_flows_however_far_it_is_behind()
    {
        var lag = new WalLagProbe().Judge(Source(30L * Segment), Target(TimeSpan.FromSeconds(1)), new WalLinkSurroundings());

        Assert.Equal(LinkState.CatchingUp, lag.State);
    }

    [Fact]
    public void A_quiet_source_whose_segment_is_not_full_yet_does_not_stall_its_link()
    {
        Assert.Equal(LinkState.Following, new WalLagProbe().Judge(Source(Segment), Target(TimeSpan.FromDays(1)), new WalLinkSurroundings()).State);
    }

    [Fact]
    public void Housekeeping_alone_does_not_stall_a_link()
    {
        var lag = new WalLagProbe().Judge(Source(3L * Segment, completed: 700), Target(TimeSpan.FromDays(1)), new WalLinkSurroundings());

        Assert.Equal(LinkState.Following, lag.State);
        Assert.Equal(TimeSpan.Zero, lag.Time);
    }

    [Fact]
    public void Movement_counts_from_when_it_was_seen()
    {
        var probe = new WalLagProbe();
        probe.Judge(Source(3L * Segment), Target(TimeSpan.FromMinutes(5)), new WalLinkSurroundings());

        var moved = Target(TimeSpan.FromMinutes(5)) with { Replayed = Replayed + 100 }; // a long replay within one large segment
        Assert.Equal(LinkState.CatchingUp, probe.Judge(Source(3L * Segment), moved, new WalLinkSurroundings()).State);
    }

    private static SourcePosition Source(long ahead, ulong completed = 900) => new(Replayed + ahead, 1, 42, completed, completed);

    private static StandbyPosition Target(TimeSpan inSegmentFor) => new()
    {
        InRecovery = true, Replayed = Replayed, Timeline = 1, CommitAge = inSegmentFor, Paused = false, SystemIdentifier = 42,
        OpenFrom = 700, CompletedTo = 700, SegmentSize = Segment, InSegmentFor = inSegmentFor,
    };
}
