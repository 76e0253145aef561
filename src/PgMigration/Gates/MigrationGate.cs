using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>A yes/no check that must hold before a cutover begins. Whatever is late, silent, out of reach or not understood is a no.</summary>
public abstract class MigrationGate
{
    /// <summary>What it checks, in a few words.</summary>
    public required string Name { get; init; }

    /// <summary>The kind of gate in one word, such as <c>StatusPage</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>What must be seen, in a few words.</summary>
    public abstract string Expected { get; }

    /// <summary>How long one look may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many looks in a row must pass.</summary>
    public int ConsecutivePasses { get; init; } = 1;

    /// <summary>The time between those looks.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Asks: as many looks as must pass in a row; the first that does not is the answer.</summary>
    /// <param name="cancel">Ends the question.</param>
    /// <exception cref="MigrationException">The gate itself is wrong and could never say yes, such as a script block that needs a variable it does not see.</exception>
    public async Task<GateResult> TestAsync(CancellationToken cancel = default)
    {
        long began = Stopwatch.GetTimestamp();
        for (int pass = 1; ; pass++)
        {
            var (passed, seen) = await LookAsync(cancel);
            if (!passed || pass >= ConsecutivePasses)
            {
                string times = ConsecutivePasses == 1 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" (look {pass} of {ConsecutivePasses} in a row)");
                return new GateResult(Name, passed, seen + times, Expected, Stopwatch.GetElapsedTime(began));
            }

            await Task.Delay(Interval, cancel);
        }
    }

    /// <summary>Asks once, however many looks in a row the gate wants: for a last look at what has just held.</summary>
    /// <param name="cancel">Ends the question.</param>
    public async Task<GateResult> TestOnceAsync(CancellationToken cancel = default)
    {
        long began = Stopwatch.GetTimestamp();
        var (passed, seen) = await LookAsync(cancel);
        return new GateResult(Name, passed, seen, Expected, Stopwatch.GetElapsedTime(began));
    }

    /// <summary>Asks several gates, all at the same time.</summary>
    /// <returns>Their answers, in the order of the gates.</returns>
    public static Task<GateResult[]> TestAllAsync(IEnumerable<MigrationGate> gates, CancellationToken cancel = default) =>
        Task.WhenAll(gates.Select(gate => Task.Run(() => gate.TestAsync(cancel), cancel)));

    /// <summary>Looks once. What it throws is a no.</summary>
    /// <param name="cancel">Cancelled when the deadline has passed.</param>
    protected abstract Task<GateObservation> ObserveAsync(CancellationToken cancel);

    private async Task<GateObservation> LookAsync(CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(Timeout);
        try
        {
            // also when what it waits for does not heed the token
            return await ObserveAsync(deadline.Token).WaitAsync(deadline.Token);
        }
        catch (Exception) when (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancel);
        }
        catch (Exception) when (deadline.IsCancellationRequested)
        {
            return GateObservation.No(string.Create(CultureInfo.InvariantCulture, $"no answer within {Timeout.TotalSeconds:0.###} s"));
        }
        catch (MigrationException error) when (error.Kind == MigrationErrorKind.InvalidArgument)
        {
            throw;
        }
        catch (Exception error)
        {
            return GateObservation.No(Redaction.Of(error.Message));
        }
    }
}
