using System.Diagnostics;

namespace PgMigration;

/// <summary>Waits until something in DMS is as it must be.</summary>
/// <remarks>
/// DMS tells nobody; it must be asked. The SDK's waiters ask at one pace and give up on states that pass (a task that is modifying, or stopped
/// when it is to start), so this one begins quickly, slows down, and leaves the judgement to the caller.
/// </remarks>
public static class DmsWait
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>Looks until it is done.</summary>
    /// <param name="activity">What is waited for, for progress and the error.</param>
    /// <param name="look">Asks DMS.</param>
    /// <param name="done">Whether that is what was waited for; throws when it never will be.</param>
    /// <param name="describe">What is seen, in a few words.</param>
    /// <param name="timeout">How long at most.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="cancel">Ends the wait; what was begun goes on.</param>
    /// <exception cref="MigrationException"><c>DmsWaitTimeout</c>, with what was seen last.</exception>
    public static async Task<T> UntilAsync<T>(
        string activity, Func<Task<T>> look, Func<T, bool> done, Func<T, string> describe, TimeSpan timeout, IMigrationObserver observer, CancellationToken cancel = default)
    {
        var clock = Stopwatch.StartNew();
        for (var pause = First; ; pause = pause * 1.5 < Longest ? pause * 1.5 : Longest)
        {
            var seen = await look();
            bool isDone = done(seen);
            observer.Progress(new MigrationProgress(activity, describe(seen)) { Completed = isDone });
            if (isDone)
            {
                return seen;
            }

            if (clock.Elapsed > timeout)
            {
                throw new MigrationException("DmsWaitTimeout", MigrationErrorKind.Timeout,
                    $"{activity}: not done within {LagText.Of(timeout)}; last seen: {describe(seen)}. It may still go on; do the same again to wait further.");
            }

            await Task.Delay(pause, cancel);
        }
    }
}
