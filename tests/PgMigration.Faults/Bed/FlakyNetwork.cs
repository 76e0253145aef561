using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PgMigration.Faults;

/// <summary>The network between the session and one server: passes bytes on, until it is told to cut or to stall.</summary>
internal sealed class FlakyNetwork : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly Func<EndPoint> _server;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly List<Socket> _open = [];
    private readonly Task _accepting;
    private TaskCompletionSource _flows = Completed();
    private bool _cut;

    private FlakyNetwork(Socket listener, Func<EndPoint> server)
    {
        _listener = listener;
        _server = server;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Listens on a free port of loopback, before a server on another one.</summary>
    public static FlakyNetwork OnPort(int server, out int port)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(200);
        port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        return new FlakyNetwork(listener, () => new IPEndPoint(IPAddress.Loopback, server));
    }

    /// <summary>Listens on a Unix socket of the same name in another folder.</summary>
    public static FlakyNetwork OnSocket(string serverFolder, string folder, int port)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $".s.PGSQL.{port}");
        File.Delete(Path.Combine(folder, name));
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, name)));
        listener.Listen(200);
        return new FlakyNetwork(listener, () => new UnixDomainSocketEndPoint(Path.Combine(serverFolder, name)));
    }

    /// <summary>Resets what is open, and whoever comes.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _cut = true;
            Reset();
        }
    }

    /// <summary>Nothing passes any more, and nobody is told.</summary>
    public void Stall()
    {
        lock (_lock)
        {
            _flows = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>All is well again: what was held back arrives now, or is lost with its connection.</summary>
    public void Mend(bool loseWhatWasOpen = false)
    {
        lock (_lock)
        {
            if (loseWhatWasOpen)
            {
                Reset();
            }

            _cut = false;
            _flows.TrySetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        Cut();
        _flows.TrySetResult();
        await _accepting;
        _end.Dispose();
    }

    private static TaskCompletionSource Completed()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }

    private void Reset()
    {
        foreach (var socket in _open)
        {
            socket.LingerState = new LingerOption(true, 0); // a reset, not a good-bye
            socket.Dispose();
        }

        _open.Clear();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync(_end.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // the run is over
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var endPoint = _server();
        var server = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            lock (_lock)
            {
                _open.AddRange([client, server]);
                if (_cut)
                {
                    Reset();
                    return;
                }
            }

            if (client.AddressFamily == AddressFamily.InterNetwork)
            {
                client.NoDelay = true;
            }

            await _flows.Task;
            await server.ConnectAsync(endPoint, _end.Token);
            if (endPoint.AddressFamily == AddressFamily.InterNetwork)
            {
                server.NoDelay = true;
            }

            await Task.WhenAny(PassAsync(client, server), PassAsync(server, client));
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // the server does not listen, or the connection was cut
        }
        finally
        {
            lock (_lock)
            {
                _open.Remove(client);
                _open.Remove(server);
            }

            client.Dispose();
            server.Dispose();
        }
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _end.Token) is > 0 and var count)
            {
                await _flows.Task;
                await to.SendAsync(buffer.AsMemory(0, count), _end.Token);
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // cut
        }
    }
}
