using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PgMigration;

/// <summary>The networks whose clients may log in to a restored server.</summary>
internal static class ClientNetworks
{
    /// <summary>Checks that each can stand in pg_hba.conf: a server with one that cannot does not start, hours later, and does not say which.</summary>
    /// <exception cref="MigrationException"><c>NetworkInvalid</c>.</exception>
    public static void Check(IEnumerable<string> networks)
    {
        foreach (string network in networks.Where(network => !IsNetwork(network)))
        {
            throw new MigrationException("NetworkInvalid", MigrationErrorKind.InvalidArgument,
                $"'{network}' is no network. Expected -AllowFrom with an address and the number of its leading bits, such as 10.0.0.0/16, or 10.0.0.5/32 for one machine.");
        }
    }

    private static bool IsNetwork(string text) =>
        text.Split('/') is [var address, var bits]
        && IPAddress.TryParse(address, out var parsed)
        && (parsed.AddressFamily == AddressFamily.InterNetworkV6 ? !address.AsSpan().ContainsAny("%[]") : parsed.ToString() == address) // .NET also takes 10.1 for an address
        && byte.TryParse(bits, NumberStyles.None, CultureInfo.InvariantCulture, out byte count)
        && count <= (parsed.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32);
}
