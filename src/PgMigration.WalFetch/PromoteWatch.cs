namespace PgMigration.WalFetch;

/// <summary>
/// Notices that the server is to be promoted: pg_promote and pg_ctl create a file named <c>promote</c> in the data directory, and the
/// server does not look at it before restore_command has returned.
/// </summary>
internal sealed unsafe class PromoteWatch : IDisposable
{
    private const string FileName = "promote";
    private readonly int _inotify;

    public PromoteWatch()
    {
        _inotify = LibC.inotify_init1(LibC.NonBlockingCloseOnExec);
        if (_inotify >= 0)
        {
            _ = LibC.inotify_add_watch(_inotify, ".", LibC.Created);
        }
    }

    /// <summary>Whether the server is to be promoted.</summary>
    public static bool IsRequested => LibC.access(FileName, 0) == 0;

    /// <summary>Waits until the descriptor can be read, the server is to be promoted, or the time is over.</summary>
    /// <param name="descriptor">What to wait for; -1 for nothing but the promotion.</param>
    /// <param name="milliseconds">How long.</param>
    /// <param name="promotionIsKnown">Whether to wait for the descriptor alone.</param>
    public WaitResult Wait(int descriptor, int milliseconds, bool promotionIsKnown = false)
    {
        long end = Environment.TickCount64 + milliseconds;
        var entries = stackalloc LibC.PollEntry[2];
        byte* events = stackalloc byte[4096];
        while (true)
        {
            // Looked at after the watch was set and before each wait: it cannot appear unnoticed in between.
            if (!promotionIsKnown && IsRequested)
            {
                return WaitResult.Promote;
            }

            entries[0] = new LibC.PollEntry { Descriptor = descriptor, Events = LibC.Readable };
            entries[1] = new LibC.PollEntry { Descriptor = _inotify, Events = LibC.Readable };
            long left = Math.Max(0, end - Environment.TickCount64);

            // Without inotify (its instances can be used up) look every 50 ms.
            int ready = LibC.poll(entries, 2, (int)(_inotify < 0 ? Math.Min(left, 50) : left));
            if (ready > 0 && entries[0].Returned != 0)
            {
                return WaitResult.Readable;
            }

            if (ready > 0 && entries[1].Returned != 0)
            {
                _ = LibC.read(_inotify, events, 4096);
            }
            else if (left == 0)
            {
                return WaitResult.TimedOut;
            }
        }
    }

    public void Dispose()
    {
        if (_inotify >= 0)
        {
            _ = LibC.close(_inotify);
        }
    }
}
