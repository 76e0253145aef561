using System.Globalization;
using System.Runtime.InteropServices;

namespace PgMigration.Faults;

/// <summary>Signals to processes and to whole trees of them.</summary>
internal static partial class Signals
{
    public const int Interrupt = 2, Kill = 9, Continue = 18, Stop = 19;

    /// <summary>Sends a signal; a process that is gone gets none.</summary>
    public static void Send(int process, int signal) => _ = Signal(process, signal);

    /// <summary>A server's processes, the postmaster first: those that it started, found by their parent.</summary>
    public static IReadOnlyList<int> Tree(int postmaster)
    {
        var tree = new List<int> { postmaster };
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && ParentOf(folder) == postmaster)
            {
                tree.Add(id);
            }
        }

        return tree;
    }

    /// <summary>The processes whose command line or environment-free title names a folder: what a run has left behind.</summary>
    public static IReadOnlyList<string> Mentioning(string folder)
    {
        var found = new List<string>();
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            try
            {
                string command = File.ReadAllText(Path.Combine(process, "cmdline")).Replace('\0', ' ').Trim();
                if (command.Contains(folder, StringComparison.Ordinal) && Path.GetFileName(process) != Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
                {
                    found.Add($"{Path.GetFileName(process)}: {command}");
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // it has ended meanwhile
            }
        }

        return found;
    }

    // proc(5): the name is in parentheses and may hold anything; then the state and the parent.
    private static int? ParentOf(string folder)
    {
        try
        {
            string stat = File.ReadAllText(Path.Combine(folder, "stat"));
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
