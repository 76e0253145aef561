using System.Runtime.InteropServices;

namespace PgMigration.Cmdlets;

/// <summary>SIGHUP (a dropped SSH session) and SIGTERM: they end a process at once unless some running cmdlet must clean up first.</summary>
/// <remarks>
/// While one such cmdlet runs, a signal reaches every running cmdlet: a command that merely waits further down the pipeline holds the
/// pipeline's thread, and must end for the clean-up's result to be seen.
/// </remarks>
internal static class TerminationSignals
{
    private static readonly Lock Gate = new();
    private static readonly List<Watcher> Watchers = [];
    private static PosixSignalRegistration[] _registrations = [];

    /// <summary>Calls <paramref name="onSignal"/> for each signal that comes before the returned object is disposed.</summary>
    /// <param name="onSignal">Called on a thread of the runtime's; must return soon.</param>
    /// <param name="keepProcess">Whether signals must not end the process; without it the callback is called only if another watcher keeps it.</param>
    public static IDisposable Watch(Action<PosixSignal> onSignal, bool keepProcess)
    {
        var watcher = new Watcher(onSignal, keepProcess);
        lock (Gate)
        {
            Watchers.Add(watcher);
            Register();
        }

        return watcher;
    }

    private static void Register()
    {
        bool wanted = Watchers.Exists(watcher => watcher.KeepProcess);
        if (wanted && _registrations.Length == 0)
        {
            _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGHUP, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
        }
        else if (!wanted && _registrations.Length > 0)
        {
            Array.ForEach(_registrations, registration => registration.Dispose());
            _registrations = [];
        }
    }

    private static void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        Watcher[] watchers;
        lock (Gate)
        {
            watchers = [.. Watchers];
        }

        Array.ForEach(watchers, watcher => watcher.OnSignal(context.Signal));
    }

    private sealed record Watcher(Action<PosixSignal> OnSignal, bool KeepProcess) : IDisposable
    {
        public void Dispose()
        {
            lock (Gate)
            {
                Watchers.RemoveAll(watcher => ReferenceEquals(watcher, this));
                Register();
            }
        }
    }
}
