using System.Net;
using System.Net.Sockets;

namespace PgMigration;

/// <summary>Free TCP ports on this machine.</summary>
public static class LoopbackPort
{
    // Below those that Linux gives to clients (net.ipv4.ip_local_port_range): one of theirs may be taken by a connection before its server starts.
    private const int First = 20_000;
    private const int Last = 32_000;

    /// <summary>A port on which nobody listened a moment ago.</summary>
    public static int Free()
    {
        while (true)
        {
            int port = Random.Shared.Next(First, Last);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // the next one
            }
        }
    }
}
