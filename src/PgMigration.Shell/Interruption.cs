using System.Management.Automation;
using System.Runtime.InteropServices;

namespace PgMigration.Shell;

/// <summary>Ctrl-C, SIGTERM and SIGHUP: the first one stops the pipeline, whose clean-up runs; the second one ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly Lock _gate = new();
    private readonly PosixSignalRegistration[] _registrations;
    private PowerShell? _running;

    public Interruption() =>
        _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];

    /// <summary>What the process's exit code says about the signal, as a shell reports it: 128 and its number; null when none came.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Lets signals stop this pipeline until the returned object is disposed.</summary>
    public IDisposable Stops(PowerShell engine)
    {
        // a stop has no effect on a pipeline that is about to begin: so it is stopped once it has
        engine.InvocationStateChanged += (_, change) =>
        {
            if (change.InvocationStateInfo.State == PSInvocationState.Running && ExitCode is not null)
            {
                engine.BeginStop(null, null);
            }
        };
        lock (_gate)
        {
            _running = engine;
        }

        return new Stoppable(this);
    }

    public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

    private void OnSignal(PosixSignalContext context)
    {
        lock (_gate)
        {
            if (ExitCode is not null)
            {
                return; // the default follows: the process ends
            }

            context.Cancel = true;
            ExitCode = context.Signal switch
            {
                PosixSignal.SIGHUP => 129,
                PosixSignal.SIGINT => 130,
                _ => 143,
            };

            if (_running is null)
            {
                Environment.Exit(ExitCode.Value);
            }

            _running.BeginStop(null, null); // the stop itself waits for the pipeline: not here
        }
    }

    private sealed class Stoppable(Interruption interruption) : IDisposable
    {
        public void Dispose()
        {
            lock (interruption._gate)
            {
                interruption._running = null;
            }
        }
    }
}
