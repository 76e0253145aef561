using System.Globalization;

namespace PgMigration;

/// <summary>The user's own test of the new server: after its promotion, before the app is let in.</summary>
public abstract class AppSmokeTest
{
    /// <summary>How long it may take; the app is paused meanwhile.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Makes sure before the cutover that the test can run at all; does not run it.</summary>
    /// <exception cref="MigrationException">What is wrong with it.</exception>
    public abstract void Check();

    /// <summary>Runs it. Returns when it has passed.</summary>
    /// <param name="server">The promoted server as the app will reach it, with the app's login; still fenced, so its sessions may read and not write.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="MigrationException"><c>SmokeTestFailed</c>, <c>SmokeTestTimedOut</c>.</exception>
    public async Task RunAsync(PgServer server, CancellationToken cancel = default)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(Timeout);
        try
        {
            await TryAsync(server, deadline.Token).WaitAsync(deadline.Token);
        }
        catch (Exception) when (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancel);
        }
        catch (Exception error) when (deadline.IsCancellationRequested)
        {
            throw new MigrationException("SmokeTestTimedOut", MigrationErrorKind.Timeout, string.Create(CultureInfo.InvariantCulture,
                $"The app's smoke test did not end within {Timeout.TotalSeconds:0.###} s. Make it shorter, or raise -SmokeTestTimeout (and -MaxPause with it)."), error);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw new MigrationException("SmokeTestFailed", MigrationErrorKind.InvalidOperation,
                $"The app's smoke test failed on {server}: {Redaction.Of(error.Message)}", error);
        }
    }

    /// <summary>Does it; throws when it fails.</summary>
    protected abstract Task TryAsync(PgServer server, CancellationToken cancel);
}
