using System.Collections.Concurrent;
using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Takes what long work reports, from any thread, to the cmdlet's own streams.</summary>
internal sealed class CmdletObserver(Cmdlet cmdlet, PipelinePump pump) : IMigrationObserver
{
    /// <summary>Milliseconds between two updates of one bar: a person sees no more, and a host draws them at a price.</summary>
    private const long ProgressInterval = 100;

    private readonly ConcurrentDictionary<string, Bar> _bars = new();

    public void Progress(MigrationProgress progress)
    {
        var bar = _bars.GetOrAdd(progress.Activity, static (_, bars) => new Bar(bars.Count + 1), _bars);
        if (!bar.IsDue(progress.Completed))
        {
            return;
        }

        var record = new ProgressRecord(bar.Id, progress.Activity, progress.Status.Length == 0 ? " " : progress.Status)
        {
            PercentComplete = progress.Percent is { } percent ? Math.Clamp(percent, 0, 100) : -1,
            SecondsRemaining = progress.Left is { } left ? (int)Math.Clamp(left.TotalSeconds, 0, int.MaxValue) : -1,
            RecordType = progress.Completed ? ProgressRecordType.Completed : ProgressRecordType.Processing,
        };
        if (progress.Completed)
        {
            pump.Post(() => cmdlet.WriteProgress(record)); // a lost one would leave its bar on the screen
        }
        else
        {
            pump.PostIfRoom(() => cmdlet.WriteProgress(record));
        }
    }

    public void Warning(string message) =>
        pump.Say(cmdlet, () => cmdlet.WriteWarning(message), lastWords: () => (cmdlet as PSCmdlet)?.Host.UI.WriteWarningLine(message));

    public void Verbose(string message) => pump.Post(() => cmdlet.WriteVerbose(message));

    /// <summary>One activity's bar on the screen.</summary>
    private sealed class Bar(int id)
    {
        private long _due = long.MinValue;

        public int Id => id;

        public bool IsDue(bool completed)
        {
            long now = Environment.TickCount64;
            long due = Interlocked.Read(ref _due);
            return completed || (now >= due && Interlocked.CompareExchange(ref _due, now + ProgressInterval, due) == due);
        }
    }
}
