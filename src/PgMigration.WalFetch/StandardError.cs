using System.Text;

namespace PgMigration.WalFetch;

/// <summary>Lines for the server's log: what restore_command writes to its standard error lands there.</summary>
internal static unsafe class StandardError
{
    /// <summary>Writes one line. The console classes of .NET would add a third to the size and the start-up time of this program.</summary>
    public static void WriteLine(string message)
    {
        byte[] line = Encoding.UTF8.GetBytes("pgmigration-walfetch: " + message + "\n");
        fixed (byte* start = line)
        {
            _ = LibC.write(2, start, (nuint)line.Length);
        }
    }
}
