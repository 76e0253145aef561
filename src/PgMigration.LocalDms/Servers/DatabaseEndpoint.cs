using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>How a task reaches one of its two databases. The password never leaves it but towards the server.</summary>
/// <param name="Host">The server's name, or the folder of its socket.</param>
/// <param name="Port">Its port.</param>
/// <param name="Database">The database.</param>
/// <param name="User">The login.</param>
/// <param name="Password">Its secret.</param>
/// <param name="SslMode">none, require, verify-ca or verify-full.</param>
/// <param name="AfterConnectScript">What each session runs first, such as <c>SET session_replication_role='replica'</c>.</param>
internal sealed record DatabaseEndpoint(string Host, int Port, string Database, string User, string? Password, string SslMode, string? AfterConnectScript)
{
    private const int TimeoutSeconds = 10;

    /// <summary>Opens a session of its own.</summary>
    /// <param name="applicationName">What pg_stat_activity shows, by which leftovers are found.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public async Task<NpgsqlConnection> ConnectAsync(string applicationName, CancellationToken cancel)
    {
        var connection = new NpgsqlConnection(ConnectionString(applicationName));
        try
        {
            await connection.OpenAsync(cancel);
            if (!string.IsNullOrWhiteSpace(AfterConnectScript))
            {
                await connection.RunAsync(AfterConnectScript, cancel);
            }

            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>For the driver, with the secret in it.</summary>
    public string ConnectionString(string applicationName) => new NpgsqlConnectionStringBuilder
    {
        Host = Host,
        Port = Port,
        Database = Database,
        Username = User,
        Password = Password,
        SslMode = SslMode switch { "none" => Npgsql.SslMode.Disable, "require" => Npgsql.SslMode.Require, "verify-ca" => Npgsql.SslMode.VerifyCA, _ => Npgsql.SslMode.VerifyFull },
        GssEncryptionMode = GssEncryptionMode.Disable,
        ApplicationName = applicationName,
        Timeout = TimeoutSeconds,
        CommandTimeout = 0,
        TcpKeepAlive = true,
        Pooling = false,
        Enlist = false,
        IncludeFailedBatchedCommand = true,
        // statements of the same table repeat for ever; how many differ is a matter of tables and of unchanged columns
        MaxAutoPrepare = 500,
        AutoPrepareMinUsages = 3,
    }.ConnectionString;

    /// <summary>The endpoint without its secret.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{User}@{Host}:{Port}/{Database}");
}
