using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>A PostgreSQL database one can connect to: host, port, database, user, TLS, and a secret that is never shown.</summary>
public sealed partial class PgServer
{
    private readonly string? _password;

    /// <summary>Makes a server from its parts.</summary>
    /// <param name="host">A host name, an address, or the folder of a Unix-domain socket (begins with <c>/</c>).</param>
    /// <param name="port">The port.</param>
    /// <param name="database">The database.</param>
    /// <param name="user">The login.</param>
    /// <param name="password">The secret, or null to let PGPASSFILE or the server's own rules decide.</param>
    public PgServer(string host, int port, string database, string user, string? password = null)
    {
        Host = host;
        Port = port;
        Database = database;
        User = user;
        _password = password;
    }

    /// <summary>Host name, address, or the folder of a Unix-domain socket.</summary>
    public string Host { get; }

    /// <summary>The port.</summary>
    public int Port { get; }

    /// <summary>The database.</summary>
    public string Database { get; }

    /// <summary>The login.</summary>
    public string User { get; }

    /// <summary>Opens a connection of its own, outside any pool.</summary>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="MigrationException">The server cannot be reached, or refuses the login.</exception>
    public Task<NpgsqlConnection> ConnectAsync(CancellationToken cancel = default) => ConnectAsync(startupOptions: null, cancel);

    /// <summary>Opens a connection whose session begins with the given settings, as libpq's <c>options</c> does.</summary>
    /// <param name="startupOptions">Such as <c>-c default_transaction_read_only=off</c>; null for none.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public async Task<NpgsqlConnection> ConnectAsync(string? startupOptions, CancellationToken cancel = default)
    {
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = Host, Port = Port, Database = Database, Username = User, Password = _password, Pooling = false,
            Options = startupOptions, ApplicationName = "PgMigration", Timeout = 15, CommandTimeout = 0,
        };
        var connection = new NpgsqlConnection(builder.ConnectionString);
        try
        {
            await connection.OpenAsync(cancel);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same server with another database.</summary>
    public PgServer WithDatabase(string database) => new(Host, Port, database, User, _password);

    /// <summary>The server without its secret: <c>postgres://user@host:port/database</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"postgres://{Uri.EscapeDataString(User)}@{Host}:{Port}/{Uri.EscapeDataString(Database)}");
}
