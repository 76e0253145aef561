using System.Net.Sockets;
using System.Text;

namespace PgMigration.Wal;

/// <summary>Listens on the socket of a data directory: a line <c>get file oldest</c>, then perhaps <c>now</c>, is answered by one line; after <c>now</c>, lines <c>wait</c> may come before it.</summary>
/// <remarks>
/// A thread of its own accepts, reads, and answers what is ready: PostgreSQL's replay waits for this answer, and on a busy machine each
/// hand-over to another thread costs milliseconds. Only a request that has to wait leaves it.
/// </remarks>
internal sealed class PrefetchServer : IDisposable
{
    private const int LongestRequest = 512;
    private const int SlowestRequest = 2000; // milliseconds; the one who asks is a program on this machine
    private static readonly TimeSpan SignOfLifeEvery = TimeSpan.FromMilliseconds(200);
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string _path;
    private readonly RequestDesk _desk;
    private readonly PromotionWatch _promotion;
    private readonly PrefetchLog _log;

    /// <summary>Begins to listen. The caller holds the lock of the data directory, so a socket that lies there is a dead one's.</summary>
    public PrefetchServer(RestoreLayout layout, RequestDesk desk, PromotionWatch promotion, PrefetchLog log)
    {
        // A socket's path holds 107 bytes: in the data directory the relative one is short.
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, layout.SocketFile);
        _path = relative.Length < layout.SocketFile.Length ? relative : layout.SocketFile;
        _desk = desk;
        _promotion = promotion;
        _log = log;
        File.Delete(_path);
        _listener.Bind(new UnixDomainSocketEndPoint(_path));
        _listener.Listen();
    }

    /// <summary>Answers until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var closing = cancel.Register(_listener.Dispose); // wakes the thread
        new Thread(() => Accept(ended, cancel)) { IsBackground = true, Name = "requests" }.Start();
        await ended.Task;
        cancel.ThrowIfCancellationRequested();
    }

    /// <summary>Stops listening and removes the socket.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(_path);
    }

    private void Accept(TaskCompletionSource ended, CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(_listener.Accept(), cancel);
            }
        }
        catch (Exception error) when (cancel.IsCancellationRequested && error is SocketException or ObjectDisposedException)
        {
            ended.SetResult();
        }
        catch (SocketException error)
        {
            ended.SetException(error);
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken cancel)
    {
        using var owned = client;
        using var hungUp = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            string[] lines = ReceiveRequest(client).Split('\n');
            if (lines[0].Split(' ') is not ["get", var file, var oldest])
            {
                return;
            }

            var now = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (lines.Contains("now"))
            {
                _promotion.Note();
                now.SetResult();
            }

            WalSegmentName? oldestNeeded = WalSegmentName.TryParse(oldest, out var name) ? name : null;
            var request = new PrefetchRequest(file, oldestNeeded, Task.WhenAny(now.Task, _promotion.Requested));
            var answering = _desk.AnswerAsync(request, hungUp.Token);
            if (!answering.IsCompleted)
            {
                _ = ListenOnAsync(client, now, _promotion, hungUp);
            }

            string answer = await AnswerOrSignOfLifeAsync(client, answering, request.Now);
            _ = client.Send(Encoding.UTF8.GetBytes(answer + "\n"));
        }
        catch (Exception error) when (error is SocketException || hungUp.IsCancellationRequested)
        {
            // Who asked has gone.
        }
#pragma warning disable CA1031 // one request must not end the prefetcher
        catch (Exception error)
#pragma warning restore CA1031
        {
            _log.Write("A request failed: " + error);
            SayNone(client); // without an answer it would be asked again at once
        }
    }

    // While the server is being promoted, restore_command gives up a prefetcher that says nothing for a second.
    private static async Task<string> AnswerOrSignOfLifeAsync(Socket client, Task<string> answering, Task now)
    {
        if (!answering.IsCompleted)
        {
            _ = await Task.WhenAny(answering, now);
        }

        while (!answering.IsCompleted && await Task.WhenAny(answering, Task.Delay(SignOfLifeEvery)) != answering)
        {
            _ = client.Send("wait\n"u8);
        }

        return await answering;
    }

    private static void SayNone(Socket client)
    {
        try
        {
            _ = client.Send(Encoding.UTF8.GetBytes(RequestDesk.None + "\n"));
        }
        catch (SocketException)
        {
            // Who asked has gone.
        }
    }

    private static string ReceiveRequest(Socket client)
    {
        client.ReceiveTimeout = SlowestRequest;
        byte[] buffer = new byte[LongestRequest];
        int length = 0;
        do
        {
            int count = client.Receive(buffer, length, LongestRequest - length, SocketFlags.None);
            if (count == 0)
            {
                return string.Empty;
            }

            length += count;
        }
        while (buffer[length - 1] != '\n' && length < LongestRequest);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    // What else may come: "now", and the end.
    private static async Task ListenOnAsync(Socket client, TaskCompletionSource now, PromotionWatch promotion, CancellationTokenSource hungUp)
    {
        byte[] buffer = new byte[LongestRequest];
        try
        {
            while (await client.ReceiveAsync(buffer, hungUp.Token) is > 0 and var count)
            {
                if (Encoding.UTF8.GetString(buffer, 0, count).Contains("now", StringComparison.Ordinal))
                {
                    promotion.Note();
                    _ = now.TrySetResult();
                }
            }

            await hungUp.CancelAsync();
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The request has been answered, or the prefetcher ends.
        }
    }
}
