using System.Net;
using System.Net.Sockets;

namespace PgMigration;

/// <summary>Whether two names lead to the same machine, by their addresses: what is one server to PostgreSQL is often written in two ways.</summary>
internal static class HostAddresses
{
    private static readonly TimeSpan ResolvesWithin = TimeSpan.FromSeconds(2);

    /// <summary>Whether two hosts share an address, as this machine resolves them within two seconds; a socket's folder, and no host at all, is the loopback.</summary>
    public static async Task<bool> AreSameAsync(string? one, string? other, CancellationToken cancel) =>
        string.Equals(one, other, StringComparison.OrdinalIgnoreCase) || (await FindAsync(one, cancel)).Overlaps(await FindAsync(other, cancel));

    private static async Task<HashSet<IPAddress>> FindAsync(string? host, CancellationToken cancel)
    {
        if (string.IsNullOrEmpty(host) || host.StartsWith('/'))
        {
            return [IPAddress.Loopback];
        }

        try
        {
            var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancel).WaitAsync(ResolvesWithin, cancel);
            return [.. addresses.Select(address => IPAddress.IsLoopback(address) ? IPAddress.Loopback : address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)];
        }
        catch (Exception error) when (error is SocketException or TimeoutException or ArgumentException)
        {
            return []; // a name that nobody knows here is only the same as itself
        }
    }
}
