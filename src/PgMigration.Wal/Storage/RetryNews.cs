namespace PgMigration.Wal;

/// <summary>Says that something is tried again and again, so that no transfer is silent for long: once in a while, whatever the number of transfers.</summary>
internal sealed class RetryNews(IMigrationObserver observer, TransferLimits limits)
{
    private static readonly TimeSpan NotMoreOftenThan = TimeSpan.FromSeconds(20);
    private long _told = long.MinValue / 2;

    /// <summary>An attempt failed and is made again.</summary>
    public void Failed(Func<MigrationException> why)
    {
        long told = Interlocked.Read(ref _told);
        if (Environment.TickCount64 - told >= NotMoreOftenThan.TotalMilliseconds && Interlocked.CompareExchange(ref _told, Environment.TickCount64, told) == told)
        {
            observer.Warning($"{why().Message} It is tried again, for up to {limits.RetryBudget.TotalSeconds:0} s without a byte of progress.");
        }
    }
}
