using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PgMigration.Tests;

public sealed class PgBouncerConsoleTests
{
    [Theory]
    [InlineData("require_auth=scram-sha-256", false)]
    [InlineData("require_auth=!password", false)]
    [InlineData("channel_binding=require", false)]
    [InlineData("require_auth=password,scram-sha-256", true)]
    [InlineData("", true)]
    public async Task A_password_goes_out_only_in_a_way_that_the_user_allows(string option, bool goesOut)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var console = PgServer.Parse($"host=127.0.0.1 port={((IPEndPoint)listener.LocalEndpoint).Port} user=boss password=Pa55 sslmode=disable dbname=pgbouncer {option}");
        var login = PgBouncerConsole.ConnectAsync(console, CancellationToken.None);
        string sent;
        using (var client = await listener.AcceptSocketAsync())
        {
            var buffer = new byte[1024];
            await client.ReceiveAsync(buffer);
            await client.SendAsync(new byte[] { (byte)'R', 0, 0, 0, 8, 0, 0, 0, 3 }); // "the password in clear text, please"
            sent = Encoding.UTF8.GetString(buffer, 0, await client.ReceiveAsync(buffer));
        }

        var error = await Record.ExceptionAsync(() => login);

        Assert.Equal(goesOut, sent.Contains("Pa55", StringComparison.Ordinal));
        Assert.Equal(!goesOut, error is MigrationException { ErrorId: "PgBouncerRefused" });
    }
}
