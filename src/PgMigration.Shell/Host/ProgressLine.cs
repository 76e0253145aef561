using System.Globalization;
using System.Management.Automation;

namespace PgMigration.Shell;

/// <summary>The newest progress on one line at the bottom of a terminal; it gives way to every other output, and comes back with the next record.</summary>
internal sealed class ProgressLine(bool isVisible)
{
    private const string ClearLine = "\r\e[2K";

    private readonly Lock _gate = new();
    private readonly List<(long Source, int Id)> _activities = [];
    private bool _drawn;

    /// <summary>Draws a record, or takes the line away with its last activity.</summary>
    public void Show(long sourceId, ProgressRecord record)
    {
        if (!isVisible)
        {
            return;
        }

        lock (_gate)
        {
            _activities.Remove((sourceId, record.ActivityId));
            if (record.RecordType == ProgressRecordType.Processing)
            {
                _activities.Add((sourceId, record.ActivityId));
                string line = Describe(record);
                int width = Console.WindowWidth is > 0 and var columns ? columns : 80; // a terminal may not know its size
                Console.Error.Write(ClearLine + (line.Length < width ? line : line[..(width - 1)]));
                _drawn = true;
            }
            else if (_activities.Count == 0)
            {
                Hide();
            }
        }
    }

    /// <summary>Clears the line so that something else can be written there.</summary>
    public void Hide()
    {
        lock (_gate)
        {
            if (_drawn)
            {
                Console.Error.Write(ClearLine);
                _drawn = false;
            }
        }
    }

    /// <summary>Clears the line and forgets activities that nobody completed.</summary>
    public void End()
    {
        lock (_gate)
        {
            Hide();
            _activities.Clear();
        }
    }

    private static string Describe(ProgressRecord record)
    {
        string percent = record.PercentComplete is >= 0 and <= 100 and var done
            ? $" [{new string('#', done / 5),-20}] {done}%"
            : string.Empty;
        string left = record.SecondsRemaining > 0
            ? string.Create(CultureInfo.InvariantCulture, $", {TimeSpan.FromSeconds(record.SecondsRemaining):c} left")
            : string.Empty;
        return $"{record.Activity}:{percent} {record.StatusDescription.Trim()}{left}";
    }
}
