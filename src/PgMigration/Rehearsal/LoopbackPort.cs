using System.Net;
using System.Net.Sockets;

namespace PgMigration;

/// <summary>Free TCP ports on this machine.</summary>
public static class LoopbackPort
{
    /// <summary>A port on which nobody listened a moment ago; the kernel hands each out only once in a long while.</summary>
    public static int Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
