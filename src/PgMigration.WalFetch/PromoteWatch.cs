namespace PgMigration.WalFetch;

/// <summary>
/// Waits for an answer, and notices meanwhile that the server is to be promoted: pg_promote and pg_ctl create a file named <c>promote</c>
/// in the data directory, and the server does not look at it before restore_command has returned.
/// </summary>
/// <remarks>
/// The prefetcher watches that file too, by inotify, and answers at once; the looks here are for a prefetcher that does not. No inotify
/// in this program: to close one takes the kernel 10 to 20 ms (it waits for a grace period), which is more than all else together.
/// </remarks>
internal static unsafe class PromoteWatch
{
    private const string FileName = "promote";
    private const int LookEvery = 100; // milliseconds

    /// <summary>Whether the server is to be promoted.</summary>
    public static bool IsRequested => LibC.access(FileName, 0) == 0;

    /// <summary>Waits until the descriptor can be read, the server is to be promoted, or the time is over.</summary>
    /// <param name="descriptor">What to wait for; -1 for nothing but the promotion.</param>
    /// <param name="milliseconds">How long.</param>
    /// <param name="promotionIsKnown">Whether to wait for the descriptor alone.</param>
    public static WaitResult Wait(int descriptor, int milliseconds, bool promotionIsKnown = false)
    {
        long end = Environment.TickCount64 + milliseconds;
        while (true)
        {
            var entry = new LibC.PollEntry { Descriptor = descriptor, Events = LibC.Readable };
            long left = Math.Max(0, end - Environment.TickCount64);
            if (LibC.poll(&entry, 1, (int)Math.Min(left, LookEvery)) > 0)
            {
                return WaitResult.Readable;
            }

            if (!promotionIsKnown && IsRequested)
            {
                return WaitResult.Promote;
            }

            if (left == 0)
            {
                return WaitResult.TimedOut;
            }
        }
    }
}
