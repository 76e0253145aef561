using System.Runtime.InteropServices;

namespace PgMigration.WalFetch;

/// <summary>One request of PostgreSQL for one file: ask the prefetcher, put the answer into place.</summary>
internal static class WalRequest
{
    // The prefetcher holds a request for ten seconds at most; a prefetcher that says nothing for longer hangs.
    private const int SilenceLimit = 15_000;

    // Not for ever: PostgreSQL asks again, and between two of our runs it looks whether it is to stop or to be promoted.
    private const int WholeLimit = 25_000;

    /// <summary>Runs the request. Returns the exit code: 0 when the file is in place, 1 when it is not there or the server is to be promoted.</summary>
    /// <param name="file">%f: the file's name.</param>
    /// <param name="destination">%p: where it has to be, relative to the data directory.</param>
    /// <param name="oldestNeeded">%r: the segment of the last restart point; what lies before it may be forgotten.</param>
    public static int Run(string file, string destination, string oldestNeeded)
    {
        long end = Environment.TickCount64 + WholeLimit;

        // Asked anew when the prefetcher dies in between, or when what it offered has gone.
        while (Environment.TickCount64 < end)
        {
            using var connection = PrefetcherConnection.Open(end);
            if (connection is null)
            {
                return 1;
            }

            string? answer = connection.Ask(file, oldestNeeded, SilenceLimit, out bool timedOut);
            if (timedOut)
            {
                StandardError.WriteLine("the prefetcher does not answer; see pgmigration/prefetch.log in the data directory");
                return 1;
            }

            if (answer is "none" or "use-own")
            {
                return 1;
            }

            if (answer is not null && answer.StartsWith("ready ", StringComparison.Ordinal) && Place(answer["ready ".Length..], destination))
            {
                return 0;
            }
        }

        StandardError.WriteLine("the prefetcher gave no usable answer for " + file + "; see pgmigration/prefetch.log in the data directory");
        return 1;
    }

    /// <summary>Puts a pool file into place by rename: a linked one would be overwritten in the pool when PostgreSQL recycles it.</summary>
    /// <returns>False when the pool file is gone, so that it has to be asked for again.</returns>
    private static bool Place(string poolFile, string destination)
    {
        if (LibC.rename(poolFile, destination) == 0)
        {
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        if (error == LibC.OtherFileSystem)
        {
            FileCopy.AcrossFileSystems(poolFile, destination);
            return true;
        }

        return error == LibC.NotFound && LibC.access(poolFile, 0) != 0
            ? false
            : throw new InvalidOperationException("cannot rename " + poolFile + " to " + destination + ", errno " + error.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
