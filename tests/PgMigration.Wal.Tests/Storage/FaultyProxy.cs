using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PgMigration.Wal;

/// <summary>Stands between client and service on loopback, and spoils answers as it is told: each fault hits one GET of an object, in order.</summary>
internal sealed class FaultyProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Uri _target;
    private readonly Queue<Fault> _faults;
    private readonly Task _accepting;
    private readonly List<Task> _connections = [];

    public FaultyProxy(Uri target, params Fault[] faults)
    {
        _target = target;
        _faults = new Queue<Fault>(faults);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Endpoint => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>The requests that came, first lines and Range headers.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>The last fault is repeated for ever.</summary>
    public bool RepeatLast { get; init; }

    /// <summary>Looks at each request's head; what it returns is answered instead of the service. Null lets it pass.</summary>
    public Func<string, string?>? Refuse { get; set; }

    /// <summary>From now on connections are accepted, and nothing is ever answered.</summary>
    public bool IsMute { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // the test is over
        }
    }

    // One request a connection: that is all a test needs.
    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            using (var upstream = new TcpClient())
            {
                var incoming = client.GetStream();
                string head = await ReadHeadAsync(incoming);
                if (head.Length == 0)
                {
                    return;
                }

                if (IsMute)
                {
                    await Task.Delay(Timeout.Infinite, _stop.Token);
                }

                if (Refuse?.Invoke(head) is { } refusal)
                {
                    await incoming.WriteAsync(Encoding.ASCII.GetBytes(refusal), _stop.Token);
                    return;
                }

                var fault = FaultFor(head);
                if (fault.Answer is not null)
                {
                    await incoming.WriteAsync(Encoding.ASCII.GetBytes(fault.Answer), _stop.Token);
                    return;
                }

                await upstream.ConnectAsync(_target.Host, _target.Port, _stop.Token);
                var outgoing = upstream.GetStream();
                head = head.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal);
                await outgoing.WriteAsync(Encoding.ASCII.GetBytes(fault.Request?.Invoke(head) ?? head), _stop.Token);
                string answer = await ReadHeadAsync(outgoing);
                await Task.Delay(fault.FirstByteAfter, _stop.Token);
                await incoming.WriteAsync(Encoding.ASCII.GetBytes(fault.Head?.Invoke(answer) ?? answer), _stop.Token);
                await PassAsync(outgoing, incoming, fault.BodyBytes);
                if (fault.Stalls)
                {
                    await Task.Delay(Timeout.Infinite, _stop.Token);
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or SocketException)
        {
            // the client gave up, or the test is over
        }
    }

    private Fault FaultFor(string head)
    {
        lock (Requests)
        {
            string[] lines = head.Split("\r\n");
            Requests.Add(string.Join(' ', lines.Where((line, index) => index == 0 || line.StartsWith("Range:", StringComparison.OrdinalIgnoreCase))));
            if (_faults.Count == 0 || !head.StartsWith("GET", StringComparison.Ordinal))
            {
                return Fault.None;
            }

            return RepeatLast && _faults.Count == 1 ? _faults.Peek() : _faults.Dequeue();
        }
    }

    private async Task PassAsync(NetworkStream from, NetworkStream to, long bytes)
    {
        byte[] buffer = new byte[16 * 1024];
        int read;
        while (bytes > 0 && (read = await from.ReadAsync(buffer.AsMemory(0, (int)Math.Min(bytes, buffer.Length)), _stop.Token)) > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            bytes -= read;
        }
    }

    private async Task<string> ReadHeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (await stream.ReadAsync(one, _stop.Token) == 1)
        {
            head.Append((char)one[0]);
            if (one[0] == '\n' && head.Length > 3 && head.ToString(head.Length - 4, 4) == "\r\n\r\n")
            {
                break;
            }
        }

        return head.ToString();
    }

    /// <summary>What happens to one answer.</summary>
    public sealed record Fault
    {
        public static Fault None { get; } = new();

        public static Fault Busy { get; } = new() { Answer = "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" };

        public static Fault NoAnswer { get; } = new() { Answer = string.Empty };

        /// <summary>A whole answer instead of the service's.</summary>
        public string? Answer { get; init; }

        /// <summary>What the client gets to see instead of the answer's head.</summary>
        public Func<string, string>? Head { get; init; }

        /// <summary>Nothing comes before this time is over.</summary>
        public TimeSpan FirstByteAfter { get; init; }

        /// <summary>So many bytes of the body pass.
        public long BodyBytes { get; init; } = long.MaxValue;

        /// <summary>Then nothing more comes, but the connection stays open.</summary>
        public bool Stalls { get; init; }

        /// <summary>What the service gets to see instead of the request.</summary>
        public Func<string, string>? Request { get; init; }

        public static Fault CutAt(long bytes) => new() { BodyBytes = bytes };

        /// <summary>S3's answer to keys that are over.</summary>
        public static string Expired { get; } = Refusal("400 Bad Request", "ExpiredToken", "The provided token has expired.");

        public static string Refusal(string status, string code, string message)
        {
            string body = $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>";
            return $"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";
        }

        /// <summary>The head says that the body has so many bytes.</summary>
        public static Fault LengthOf(long bytes) => new()
        {
            Head = head => string.Join("\r\n", head.Split("\r\n").Select(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) ? $"Content-Length: {bytes}" : line)),
        };

        public static Fault StallAt(long bytes) => new() { BodyBytes = bytes, Stalls = true };
    }
}
