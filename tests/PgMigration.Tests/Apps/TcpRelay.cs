using System.Net;
using System.Net.Sockets;

namespace PgMigration.Tests;

/// <summary>What a TCP proxy or a load balancer does: each connection goes on to one of several ports, in turn, perhaps after a while.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _running;

    public TcpRelay(TimeSpan delay, params int[] ports)
    {
        _listener.Start();
        _running = RunAsync(delay, ports);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync(TimeSpan delay, int[] ports)
    {
        try
        {
            for (int number = 0; ; number++)
            {
                _ = PassAsync(await _listener.AcceptSocketAsync(_stop.Token), ports[number % ports.Length], delay);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // disposed
        }
    }

    private async Task PassAsync(Socket client, int port, TimeSpan delay)
    {
        try
        {
            await Task.Delay(delay, _stop.Token);
            using var near = new NetworkStream(client, ownsSocket: true);
            using var far = new TcpClient();
            await far.ConnectAsync(IPAddress.Loopback, port, _stop.Token);
            await Task.WhenAny(near.CopyToAsync(far.GetStream(), _stop.Token), far.GetStream().CopyToAsync(near, _stop.Token));
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or SocketException)
        {
            client.Dispose();
        }
    }
}
