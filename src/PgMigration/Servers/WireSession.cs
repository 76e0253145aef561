using System.Buffers.Binary;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace PgMigration;

/// <summary>A session in PostgreSQL's simple query protocol, with nothing but user, database and name in its startup message.</summary>
/// <remarks>
/// Npgsql cannot hold a session on PgBouncer's admin console, which knows only the simple protocol; and it sends options that a pooler refuses. So
/// here is the little of the protocol that console and proofs need. Sources: PostgreSQL's manual, "Frontend/Backend Protocol"; RFC 5802 and
/// 7677 for SCRAM-SHA-256; PgBouncer's usage page.
/// </remarks>
internal sealed class WireSession : IAsyncDisposable
{
    // A console's lines are short; a length beyond this is another protocol's text.
    private const int LongestMessage = 1 << 20;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly string _what;
    private readonly TimeSpan _within;

    private WireSession(Socket socket, Stream stream, string what, TimeSpan within)
    {
        _socket = socket;
        _stream = stream;
        _what = what;
        _within = within;
    }

    /// <summary>Logs in.</summary>
    /// <param name="server">The address, database and login.</param>
    /// <param name="what">What is expected there, for errors, such as <c>PgBouncer's admin console</c>.</param>
    /// <param name="name">The session's application_name.</param>
    /// <param name="within">The limit for the login and for each command.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="MigrationException"><c>PgBouncerUnreachable</c>; <c>PgBouncerSilent</c>: it accepts and does not answer; <c>PgBouncerRefused</c>; <c>NotPgBouncer</c>.</exception>
    public static async Task<WireSession> ConnectAsync(PgServer server, string what, string name, TimeSpan within, CancellationToken cancel)
    {
        what = string.Create(CultureInfo.InvariantCulture, $"{what} at {server.Host}:{server.Port}");
        return await InTimeAsync(what, "login", within, token => OpenAsync(server, what, name, within, token), cancel);
    }

    private static async Task<WireSession> OpenAsync(PgServer server, string what, string name, TimeSpan within, CancellationToken cancel)
    {
        bool local = server.Host.StartsWith('/');
        var socket = local ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (local)
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(string.Create(CultureInfo.InvariantCulture, $"{server.Host}/.s.PGSQL.{server.Port}")), cancel);
            }
            else
            {
                await socket.ConnectAsync(server.Host, server.Port, cancel);
            }

            var stream = await server.SecureAsync(new NetworkStream(socket), cancel);
            var session = new WireSession(socket, stream, what, within);
            await session.LogInAsync(server, name, cancel);
            return session;
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new MigrationException("PgBouncerUnreachable", MigrationErrorKind.Connection, $"{what} cannot be reached: {error.Message}. Check the address, and that pgbouncer runs.", error);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends one command and returns its rows, each a map from column to text.</summary>
    /// <exception cref="MigrationException"><c>PgBouncerRefused</c> with what PgBouncer said; <c>PgBouncerSilent</c>: nothing in ten seconds.</exception>
    public Task<List<Dictionary<string, string?>>> AskAsync(string command, CancellationToken cancel) => InTimeAsync(_what, command, _within, token => ExchangeAsync(command, token), cancel);

    /// <summary>The same for a command that takes as long as the app's transactions do: PAUSE.</summary>
    /// <exception cref="MigrationException"><c>PgBouncerRefused</c> with what PgBouncer said.</exception>
    public Task WaitAsync(string command, CancellationToken cancel) => ExchangeAsync(command, cancel);

    private static async Task<T> InTimeAsync<T>(string what, string command, TimeSpan within, Func<CancellationToken, Task<T>> ask, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(within);
        try
        {
            return await ask(limit.Token);
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new MigrationException("PgBouncerSilent", MigrationErrorKind.Connection, string.Create(CultureInfo.InvariantCulture,
                $"{what} did not answer within {within.TotalSeconds:0.#} s ({command}). Check that PgBouncer listens there and runs (not stopped, not paused, not overloaded)."), error);
        }
    }

    private async Task<List<Dictionary<string, string?>>> ExchangeAsync(string command, CancellationToken cancel)
    {
        await SendAsync('Q', Text(command), cancel);
        var rows = new List<Dictionary<string, string?>>();
        string[] columns = [];
        string? refusal = null;
        while (true)
        {
            var (type, body) = await ReceiveAsync(cancel);
            switch (type)
            {
                case 'T':
                    columns = ReadColumns(body);
                    break;
                case 'D':
                    rows.Add(ReadRow(body, columns));
                    break;
                case 'E':
                    refusal = ReadError(body);
                    break;
                case 'Z':
                    return refusal is null ? rows : throw Refused($"'{command}': {refusal}");
            }
        }
    }

    /// <summary>Closes the session.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
    }

    private async Task LogInAsync(PgServer server, string name, CancellationToken cancel)
    {
        var startup = new MemoryStream();
        startup.Write([0, 3, 0, 0]); // protocol 3.0
        foreach (string text in (string[])["user", server.User, "database", server.Database, "application_name", name])
        {
            startup.Write(Text(text));
        }

        startup.WriteByte(0);
        await SendAsync(null, startup.ToArray(), cancel);
        ScramClient? scram = null;
        while (true)
        {
            var (type, body) = await ReceiveAsync(cancel);
            switch (type)
            {
                case 'E':
                    throw new MigrationException("PgBouncerRefused", MigrationErrorKind.PermissionDenied,
                        $"{_what} refused the login {server.User}: {ReadError(body)}. Check user and password{(server.Database == "pgbouncer" ? "; the user must be named in admin_users of pgbouncer.ini" : string.Empty)}.");
                case 'R':
                    int method = BinaryPrimitives.ReadInt32BigEndian(body);
                    if (await AnswerAsync(method, body.AsMemory(4), server, scram, cancel) is { } begun)
                    {
                        scram = begun;
                    }

                    break;
                case 'Z':
                    return;
            }
        }
    }

    private async Task<ScramClient?> AnswerAsync(int method, ReadOnlyMemory<byte> body, PgServer server, ScramClient? scram, CancellationToken cancel)
    {
        const int Ok = 0, ClearText = 3, Md5 = 5, Sasl = 10, SaslContinue = 11, SaslFinal = 12;
        // Before the password goes out: in a way of logging in that the user has forbidden it must not.
        string? asked = method switch { ClearText => "password", Md5 => "md5", Sasl => "scram-sha-256", _ => null };
        if (asked is not null && !server.MayLogInBy(asked))
        {
            throw Refused($"it asks for the login method '{asked}', which the option require_auth or channel_binding of -PgBouncer forbids.");
        }

        string password = server.FindPassword() ?? string.Empty;
        switch (method)
        {
            case Ok:
                return null;
            case ClearText:
                await SendAsync('p', Text(password), cancel);
                return null;
            case Md5:
                await SendAsync('p', Text(Md5Of(password, server.User, body.Span)), cancel);
                return null;
            case Sasl:
                var begun = new ScramClient(password);
                byte[] first = Encoding.UTF8.GetBytes(begun.First);
                var length = new byte[4];
                BinaryPrimitives.WriteInt32BigEndian(length, first.Length);
                await SendAsync('p', [.. Text("SCRAM-SHA-256"), .. length, .. first], cancel);
                return begun;
            case SaslContinue when scram is not null:
                await SendAsync('p', Encoding.UTF8.GetBytes(scram.Answer(Encoding.UTF8.GetString(body.Span))), cancel);
                return null;
            case SaslFinal when scram is not null:
                scram.Verify(Encoding.UTF8.GetString(body.Span));
                return null;
            default:
                throw Refused(string.Create(CultureInfo.InvariantCulture, $"it asks for authentication method {method}, expected trust, password, md5 or scram-sha-256."));
        }
    }

#pragma warning disable CA5351 // MD5 is what auth_type = md5 asks for; the choice is PgBouncer's
    private static string Md5Of(string password, string user, ReadOnlySpan<byte> salt)
    {
        string inner = Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(password + user)));
        return "md5" + Convert.ToHexStringLower(MD5.HashData([.. Encoding.ASCII.GetBytes(inner), .. salt]));
    }
#pragma warning restore CA5351

    private async Task SendAsync(char? type, byte[] body, CancellationToken cancel)
    {
        var message = new byte[(type is null ? 0 : 1) + 4 + body.Length];
        int at = 0;
        if (type is { } letter)
        {
            message[at++] = (byte)letter;
        }

        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(at), 4 + body.Length);
        body.CopyTo(message, at + 4);
        await _stream.WriteAsync(message, cancel);
    }

    private async Task<(char Type, byte[] Body)> ReceiveAsync(CancellationToken cancel)
    {
        var head = new byte[5];
        try
        {
            await _stream.ReadExactlyAsync(head, cancel);
            int length = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1));
            if (length is < 4 or > LongestMessage)
            {
                string began = string.Concat(head.Select(each => each is >= 0x20 and < 0x7f ? (char)each : '?'));
                throw new MigrationException("NotPgBouncer", MigrationErrorKind.InvalidArgument,
                    $"{_what} does not speak PostgreSQL's protocol: its answer begins with '{began}'. Check host and port of -PgBouncer.");
            }

            var body = new byte[length - 4];
            await _stream.ReadExactlyAsync(body, cancel);
            return ((char)head[0], body);
        }
        catch (EndOfStreamException error)
        {
            throw new MigrationException("PgBouncerUnreachable", MigrationErrorKind.Connection, $"{_what} closed the connection without an answer. Check that it is PgBouncer, and PgBouncer's log.", error);
        }
    }

    private static string[] ReadColumns(ReadOnlySpan<byte> body)
    {
        var columns = new string[BinaryPrimitives.ReadInt16BigEndian(body)];
        body = body[2..];
        for (int i = 0; i < columns.Length; i++)
        {
            int end = body.IndexOf((byte)0);
            columns[i] = Encoding.UTF8.GetString(body[..end]);
            body = body[(end + 1 + 18)..];
        }

        return columns;
    }

    private static Dictionary<string, string?> ReadRow(ReadOnlySpan<byte> body, string[] columns)
    {
        var row = new Dictionary<string, string?>(StringComparer.Ordinal);
        body = body[2..];
        foreach (string column in columns)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(body);
            row[column] = length < 0 ? null : Encoding.UTF8.GetString(body.Slice(4, length));
            body = body[(4 + Math.Max(length, 0))..];
        }

        return row;
    }

    // Fields, each a letter and a text ended by zero; M is the message.
    private static string ReadError(ReadOnlySpan<byte> body)
    {
        foreach (string field in Encoding.UTF8.GetString(body).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            if (field[0] == 'M')
            {
                return field[1..];
            }
        }

        return "it gave no reason";
    }

    private MigrationException Refused(string reason) => new("PgBouncerRefused", MigrationErrorKind.InvalidOperation, $"{_what}: {reason}");

    private static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
}
