using System.Net.Sockets;
using System.Text;

namespace PgMigration.Wal;

/// <summary>Listens on the socket of a data directory: a line <c>get file oldest</c>, then perhaps <c>now</c>, is answered by one line.</summary>
internal sealed class PrefetchServer : IDisposable
{
    private const int LongestLine = 512;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string _path;
    private readonly RequestDesk _desk;
    private readonly PrefetchLog _log;

    /// <summary>Begins to listen. The caller holds the lock of the data directory, so a socket that lies there is a dead one's.</summary>
    public PrefetchServer(RestoreLayout layout, RequestDesk desk, PrefetchLog log)
    {
        // A socket's path holds 107 bytes: in the data directory the relative one is short.
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, layout.SocketFile);
        _path = relative.Length < layout.SocketFile.Length ? relative : layout.SocketFile;
        _desk = desk;
        _log = log;
        File.Delete(_path);
        _listener.Bind(new UnixDomainSocketEndPoint(_path));
        _listener.Listen();
    }

    /// <summary>Answers until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            var client = await _listener.AcceptAsync(cancel);
            _ = Task.Run(() => ServeAsync(client, cancel), cancel);
        }
    }

    /// <summary>Stops listening and removes the socket.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(_path);
    }

    private async Task ServeAsync(Socket client, CancellationToken cancel)
    {
        using var hungUp = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            using var lines = new StreamReader(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, LongestLine);
            if ((await lines.ReadLineAsync(cancel))?.Split(' ') is not ["get", var file, var oldest])
            {
                return;
            }

            var now = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var listening = ListenOnAsync(lines, now, hungUp);
            WalSegmentName? oldestNeeded = WalSegmentName.TryParse(oldest, out var name) ? name : null;
            string answer = await _desk.AnswerAsync(new PrefetchRequest(file, oldestNeeded, now.Task), hungUp.Token);
            await stream.WriteAsync(Encoding.UTF8.GetBytes(answer + "\n"), hungUp.Token);

            // Until the other side has read it and gone.
            await listening;
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            // Who asked has gone.
        }
#pragma warning disable CA1031 // one request must not end the prefetcher
        catch (Exception error)
#pragma warning restore CA1031
        {
            _log.Write("A request failed: " + error);
        }
    }

    private static async Task ListenOnAsync(StreamReader lines, TaskCompletionSource now, CancellationTokenSource hungUp)
    {
        try
        {
            while (await lines.ReadLineAsync(hungUp.Token) is { } line)
            {
                if (line == "now")
                {
                    _ = now.TrySetResult();
                }
            }

            await hungUp.CancelAsync();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or OperationCanceledException)
        {
            await hungUp.CancelAsync();
        }
    }
}
