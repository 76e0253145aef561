using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>Waits until gates hold, all of them at once: instead of two days of refreshing a status page.</summary>
public static class GateWait
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);

    /// <summary>Asks all gates again and again, at growing intervals, until all say yes in the same round.</summary>
    /// <remarks>What is out of reach is a no like any other: it is asked again, for days if need be.</remarks>
    /// <param name="gates">The gates.</param>
    /// <param name="timeout">How long to wait; null for as long as it takes.</param>
    /// <param name="longestPause">The longest time between two rounds.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="MigrationException"><c>GateWaitTimedOut</c>, naming those that did not hold.</exception>
    public static async Task<IReadOnlyList<GateResult>> UntilAllHoldAsync(
        IReadOnlyList<MigrationGate> gates, TimeSpan? timeout, TimeSpan longestPause, IMigrationObserver observer, CancellationToken cancel = default)
    {
        long began = Stopwatch.GetTimestamp();
        var said = new Dictionary<string, bool>(StringComparer.Ordinal);
        for (var pause = FirstPause; ; pause *= 2)
        {
            long round = Stopwatch.GetTimestamp();
            var results = await MigrationGate.TestAllAsync(gates, cancel);
            if (Array.TrueForAll(results, result => result.Passed) && Stopwatch.GetElapsedTime(round) > TimeSpan.FromSeconds(1))
            {
                // some took their time, and those that were quick may have changed their mind meanwhile
                results = await Task.WhenAll(gates.Select(gate => gate.TestOnceAsync(cancel)));
            }

            var no = Array.FindAll(results, result => !result.Passed);
            Tell(results, no, Stopwatch.GetElapsedTime(began), said, observer);
            if (no.Length == 0)
            {
                return results;
            }

            pause = pause < longestPause ? pause : longestPause;
            var left = timeout - Stopwatch.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
            {
                throw new MigrationException("GateWaitTimedOut", MigrationErrorKind.Timeout, string.Create(CultureInfo.InvariantCulture,
                    $"After {timeout!.Value.TotalSeconds:0.###} s {no.Length} of {gates.Count} gates do not hold: {string.Join(" ", no.Select(result => $"'{result.Name}': {result.Reason}"))}"));
            }

            // spread a little, so that not everybody who waits asks in the same second
            var next = pause * (0.9 + (Random.Shared.NextDouble() * 0.2));
            await Task.Delay(left is { } rest && rest < next ? rest : next, cancel);
        }
    }

    private static void Tell(GateResult[] results, GateResult[] no, TimeSpan waited, Dictionary<string, bool> said, IMigrationObserver observer)
    {
        string state = no.Length == 0 ? "all gates hold" : string.Create(CultureInfo.InvariantCulture, $"'{no[0].Name}' {no[0].Reason}");
        observer.Progress(new MigrationProgress("Waiting for gates", string.Create(CultureInfo.InvariantCulture, $"{results.Length - no.Length} of {results.Length} hold, after {waited:d\\.hh\\:mm\\:ss}: {state}"))
        {
            Percent = 100 * (results.Length - no.Length) / results.Length,
            Completed = no.Length == 0,
        });
        foreach (var result in results)
        {
            if (!said.TryGetValue(result.Name, out bool before) || before != result.Passed)
            {
                said[result.Name] = result.Passed;
                observer.Verbose($"{DateTime.UtcNow:u} '{result.Name}' says {(result.Passed ? "yes" : "no")}: {result.Reason}");
            }
        }
    }
}
