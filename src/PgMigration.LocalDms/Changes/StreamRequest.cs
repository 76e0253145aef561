namespace PgMigration.LocalDms;

/// <summary>What is asked of the source's log.</summary>
/// <param name="Publications">The publications.</param>
/// <param name="Start">The end of the last transaction that was applied.</param>
/// <param name="End">When reading ends by itself.</param>
/// <param name="SenderTimeout">After how long the source gives up a reader that says nothing; zero for never.</param>
/// <param name="TellsPrepared">Whether the slot tells prepared transactions apart.</param>
internal sealed record StreamRequest(IReadOnlyList<string> Publications, Lsn Start, StreamEnd End, TimeSpan SenderTimeout, bool TellsPrepared)
{
    /// <summary>How often the reader says where it is: well below half the source's limit, or the stream is killed.</summary>
    public TimeSpan StatusInterval => SenderTimeout > TimeSpan.Zero && SenderTimeout / 4 < TimeSpan.FromSeconds(1) ? SenderTimeout / 4 : TimeSpan.FromSeconds(1);
}
