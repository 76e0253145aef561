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

    [Fact]
    public async Task A_pooler_that_accepts_and_does_not_answer_is_told_in_time()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(); // the kernel accepts, as it does for a process that was stopped

        var error = await Assert.ThrowsAsync<MigrationException>(() => PgBouncerConsole.ConnectAsync(ConsoleAt(listener), TimeSpan.FromMilliseconds(300), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal(("PgBouncerSilent", MigrationErrorKind.Connection), (error.ErrorId, error.Kind));
        Assert.Contains($"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "NotPgBouncer", "begins with 'HTTP/'")]
    [InlineData("R\0\0\0\u0003", "NotPgBouncer", "begins with 'R????'")]
    [InlineData("", "PgBouncerUnreachable", "closed the connection")]
    public async Task What_is_no_console_is_told_with_what_it_said(string answer, string errorId, string told)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var login = PgBouncerConsole.ConnectAsync(ConsoleAt(listener), CancellationToken.None);
        using (var client = await listener.AcceptSocketAsync())
        {
            await client.ReceiveAsync(new byte[1024]);
            await client.SendAsync(Encoding.Latin1.GetBytes(answer));
        }

        var error = await Assert.ThrowsAsync<MigrationException>(() => login.WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains(told, error.Message, StringComparison.Ordinal);
    }

    private static PgServer ConsoleAt(TcpListener listener) =>
        PgServer.Parse($"host=127.0.0.1 port={((IPEndPoint)listener.LocalEndpoint).Port} user=boss password=Pa55 sslmode=disable dbname=pgbouncer");
}
