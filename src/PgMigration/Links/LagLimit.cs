namespace PgMigration;

/// <summary>How far a link may be behind: so many bytes, or so much time.</summary>
public readonly record struct LagLimit
{
    private LagLimit(long? bytes, TimeSpan? time)
    {
        Bytes = bytes;
        Time = time;
    }

    /// <summary>Bytes of WAL; null when the limit is a time.</summary>
    public long? Bytes { get; }

    /// <summary>The age of the newest replayed commit; null when the limit is in bytes.</summary>
    public TimeSpan? Time { get; }

    /// <summary>A limit in bytes.</summary>
    public static LagLimit OfBytes(long bytes) => new(bytes, null);

    /// <summary>A limit in time.</summary>
    public static LagLimit OfTime(TimeSpan time) => new(null, time);

    /// <summary>Whether a lag is within the limit. One of a link that does not flow never is, whatever its numbers say.</summary>
    public bool IsMet(ReplicationLag lag) =>
        lag.State is LinkState.Following or LinkState.CatchingUp && (Bytes is { } bytes ? lag.Bytes <= bytes : lag.Time <= Time);

    /// <summary><c>16.8 MB</c> or <c>10 s</c>.</summary>
    public override string ToString() => Bytes is { } bytes ? LagText.Of(bytes) : LagText.Of(Time ?? TimeSpan.Zero);
}
