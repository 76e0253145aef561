namespace PgMigration;

/// <summary>What a link is doing.</summary>
public enum LinkState
{
    /// <summary>It is being built: a restore or a first copy runs.</summary>
    Preparing,

    /// <summary>It replays, and has more to replay.</summary>
    CatchingUp,

    /// <summary>It has replayed all that the archive or the stream has.</summary>
    Following,

    /// <summary>It waits for something that does not come: a gap in the archive, a damaged segment in place of a whole one, a network that is down. It goes on when that comes.</summary>
    Stalled,

    /// <summary>It cannot go on by itself: the source's timeline forked before the position that the target has replayed, so that a new restore is needed; or a task of DMS failed, or has tables in error.</summary>
    Broken,

    /// <summary>It was stopped.</summary>
    Stopped,

    /// <summary>The target was promoted: it follows no more.</summary>
    Promoted,
}
