using System.Runtime.InteropServices;
using System.Text;

namespace PgMigration.WalFetch;

/// <summary>A connection to the prefetcher of this data directory, over its socket: one line is asked, one line is answered.</summary>
internal sealed unsafe class PrefetcherConnection : IDisposable
{
    // Relative: sockaddr_un holds 107 characters, and data directories have long names.
    private const string SocketPath = "pgmigration/prefetch.sock";
    private const int NoSignal = 0x4000; // MSG_NOSIGNAL
    private const int PauseAfterFailure = 1000;
    private const int SilenceWhilePromoting = 1000; // milliseconds; it says "wait" five times a second
    private readonly int _socket;

    private PrefetcherConnection(int socket) => _socket = socket;

    /// <summary>Connects; starts the prefetcher first when nobody listens.</summary>
    /// <returns>Null when none can be reached or started: then a line was written to the server's log.</returns>
    public static PrefetcherConnection? Open(long untilMilliseconds)
    {
        PrefetcherStart? started = null;
        while (true)
        {
            int socket = TryConnect();
            if (socket >= 0)
            {
                return new PrefetcherConnection(socket);
            }

            started ??= PrefetcherStart.Now();
            var fate = started.Fate();
            if (fate == PrefetcherFate.Failed || Environment.TickCount64 > untilMilliseconds)
            {
                StandardError.WriteLine(fate == PrefetcherFate.Failed
                    ? "the prefetcher ended while it started; see pgmigration/prefetch.log in the data directory"
                    : "the prefetcher does not listen; see pgmigration/prefetch.log in the data directory");
                _ = PromoteWatch.Wait(-1, PauseAfterFailure); // PostgreSQL asks again in a few milliseconds, and logs each time
                return null;
            }

            if (fate == PrefetcherFate.FoundAnother)
            {
                started = null; // once more, if nobody listens by then
            }

            // It listens some thirty milliseconds after its start. A promotion waits for that too: the archive may hold more to replay.
            _ = PromoteWatch.Wait(-1, 10, promotionIsKnown: true);
        }
    }

    /// <summary>Asks for a file and waits for the line of the answer. A segment that the archive does not hold yet is waited for.</summary>
    /// <remarks>
    /// When the server is to be promoted, the prefetcher is told "now": it answers at once, unless the segment is in the archive and on
    /// its way; then it says "wait" meanwhile. PostgreSQL replays what the archive holds before it opens (WaitForWALToBecomeAvailable),
    /// and so that must stay. A prefetcher that says nothing is not waited for: each second is downtime.
    /// </remarks>
    /// <param name="file">The file's name.</param>
    /// <param name="oldestNeeded">The segment before which all may be forgotten.</param>
    /// <param name="milliseconds">How long the prefetcher may say nothing while no promotion is asked for.</param>
    /// <param name="timedOut">Whether it said nothing for so long.</param>
    /// <returns>Null when there was no answer: the prefetcher has died.</returns>
    public string? Ask(string file, string oldestNeeded, int milliseconds, out bool timedOut)
    {
        timedOut = false;
        bool promoting = PromoteWatch.IsRequested;
        if (!Send("get " + file + " " + oldestNeeded + (promoting ? "\nnow\n" : "\n")))
        {
            return null;
        }

        byte* answer = stackalloc byte[1024];
        int length = 0;
        while (true)
        {
            switch (PromoteWatch.Wait(_socket, promoting ? SilenceWhilePromoting : milliseconds, promotionIsKnown: promoting))
            {
                case WaitResult.TimedOut:
                    timedOut = true;
                    return null;
                case WaitResult.Promote:
                    promoting = true;
                    if (!Send("now\n"))
                    {
                        return null;
                    }

                    break;
                default:
                    nint count = LibC.read(_socket, answer + length, (nuint)(1024 - length));
                    if (count <= 0)
                    {
                        return null;
                    }

                    length += (int)count;
                    if (answer[length - 1] == '\n')
                    {
                        // Several lines may have come at once: the last one counts.
                        string line = Encoding.UTF8.GetString(answer, length - 1);
                        line = line[(line.LastIndexOf('\n') + 1)..];
                        if (line != "wait")
                        {
                            return line;
                        }

                        length = 0;
                    }

                    break;
            }
        }
    }

    public void Dispose() => _ = LibC.close(_socket);

    private bool Send(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* start = bytes)
        {
            return LibC.send(_socket, start, (nuint)bytes.Length, NoSignal) == bytes.Length;
        }
    }

    private static int TryConnect()
    {
        int socket = LibC.socket(LibC.UnixFamily, LibC.StreamSocket, 0);
        if (socket < 0)
        {
            throw new InvalidOperationException("no socket, errno " + Marshal.GetLastPInvokeError().ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        byte* address = stackalloc byte[2 + SocketPath.Length + 1];
        *(ushort*)address = LibC.UnixFamily;
        for (int i = 0; i < SocketPath.Length; i++)
        {
            address[2 + i] = (byte)SocketPath[i];
        }

        address[2 + SocketPath.Length] = 0;
        if (LibC.connect(socket, address, (uint)(2 + SocketPath.Length + 1)) == 0)
        {
            return socket;
        }

        _ = LibC.close(socket);
        return -1;
    }
}
