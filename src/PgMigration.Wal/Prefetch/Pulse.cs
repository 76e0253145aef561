namespace PgMigration.Wal;

/// <summary>Wakes everybody who waits for a change. Take <see cref="Next"/> first, look at the state, then await it: no change is missed.</summary>
internal sealed class Pulse
{
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the next change.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    /// <summary>Something changed.</summary>
    public void Beat() => Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

    /// <summary>Waits for the change, at most so long. Returns false when time ran out.</summary>
    public static async Task<bool> WaitAsync(Task next, TimeSpan atMost, CancellationToken cancel)
    {
        try
        {
            await next.WaitAsync(atMost, cancel);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
