using System.Collections.Concurrent;
using Npgsql;

namespace PgMigration;

public sealed partial class PgServer
{
    private const int DefaultTimeoutSeconds = 15;

    // One for each set of startup options: it holds no connection, but the server's types, which are read only once.
    private readonly ConcurrentDictionary<string, NpgsqlDataSource> _sources = new(StringComparer.Ordinal);

    /// <summary>What the engineer should know about this server's files, such as a password file that is not used; empty when all is well.</summary>
    public IReadOnlyList<string> Warnings =>
        _settings.Password is null && PasswordFile.For(_settings).Problem is { } problem ? [problem] : [];

    /// <summary>Opens a connection of its own, outside any pool.</summary>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="MigrationException">The server cannot be reached, or refuses the login.</exception>
    public Task<NpgsqlConnection> ConnectAsync(CancellationToken cancel = default) => ConnectAsync(startupOptions: null, cancel);

    /// <summary>Opens a connection whose session begins with the given settings, as libpq's <c>options</c> does.</summary>
    /// <param name="startupOptions">Such as <c>-c default_transaction_read_only=off</c>, behind the server's own options; null for none.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="MigrationException">
    /// <c>ServerUnreachable</c>, <c>ServerNotReady</c>, <c>ConnectionLimitReached</c>, <c>LoginRefused</c>, <c>PasswordMissing</c>, <c>DatabaseNotFound</c>,
    /// <c>DatabaseAccessDenied</c>, <c>ServerBehindPooler</c>, <c>TlsRefused</c>, <c>TlsCertificateRejected</c>, <c>TlsRootCertificateMissing</c>. Its cause, the driver's exception, is the inner one.
    /// </exception>
    public Task<NpgsqlConnection> ConnectAsync(string? startupOptions, CancellationToken cancel = default) => ConnectAsync(startupOptions, statementSeconds: 0, cancel);

    /// <summary>The same, with a limit for each statement.</summary>
    /// <param name="startupOptions">As above.</param>
    /// <param name="statementSeconds">The seconds after which a statement that was not answered has failed; zero for no limit.</param>
    /// <param name="cancel">Ends the attempt.</param>
    internal async Task<NpgsqlConnection> ConnectAsync(string? startupOptions, int statementSeconds, CancellationToken cancel)
    {
        var tls = TlsRules.For(_settings);
        try
        {
            return await OpenAsync(startupOptions, statementSeconds, tls, tls.DriverMode, cancel);
        }
        catch (Exception error) when (ConnectFailure.Explain(this, error) is not null)
        {
            throw await WithEncryptionExplainAsync(startupOptions, tls, error, cancel);
        }
    }

    /// <summary>The secret from where it may be: given, or in the password file; null when there is none. Never for output.</summary>
    internal string? FindPassword() => _settings.Password ?? PasswordFile.For(_settings).Find(_settings);

    /// <summary>
    /// With "prefer" the driver falls back to no encryption, and a host that demands it then refuses that: which hides the wrong password.
    /// So ask again with encryption only, to learn what was wrong there.
    /// </summary>
    private async Task<MigrationException> WithEncryptionExplainAsync(string? startupOptions, TlsRules tls, Exception error, CancellationToken cancel)
    {
        if (tls.DriverMode == Npgsql.SslMode.Prefer && error is PostgresException { SqlState: PostgresErrorCodes.InvalidAuthorizationSpecification })
        {
            try
            {
                await using var unexpected = await OpenAsync(startupOptions, statementSeconds: 0, tls, Npgsql.SslMode.Require, cancel);
            }
            catch (Exception encrypted) when (ConnectFailure.Explain(this, encrypted) is { ErrorId: not "TlsRefused" } explained)
            {
                return explained;
            }
            catch (NpgsqlException)
            {
                // no encryption there: the first refusal says it all
            }
        }

        return ConnectFailure.Explain(this, error)!;
    }

    private async Task<NpgsqlConnection> OpenAsync(string? startupOptions, int statementSeconds, TlsRules tls, SslMode mode, CancellationToken cancel)
    {
        var connection = Source(startupOptions, statementSeconds, mode).CreateConnection();
        connection.SslClientAuthenticationOptionsCallback = mode == Npgsql.SslMode.Disable ? null : tls.Apply;
        var opening = connection.OpenAsync(cancel);
        try
        {
            await opening.WaitAsync(cancel);
            return connection;
        }
        catch
        {
            // Before a server that is frozen has said anything, the driver hears of no cancellation: it is left to its own time limit.
            var closing = opening.ContinueWith(_ => connection.DisposeAsync().AsTask(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();
            await (opening.IsCompleted ? closing : Task.CompletedTask);
            throw;
        }
    }

    private NpgsqlDataSource Source(string? startupOptions, int statementSeconds, SslMode mode) =>
        _sources.GetOrAdd(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{mode} {statementSeconds} {startupOptions}"), _ =>
        {
            var builder = new NpgsqlDataSourceBuilder(new NpgsqlConnectionStringBuilder
            {
                Host = _settings.HostAddress ?? Host,
                Port = Port,
                Database = Database,
                Username = User,
                SslMode = mode,
                SslCertificate = _settings.SslCert,
                SslKey = _settings.SslKey,
                SslPassword = _settings.SslPassword,
                SslNegotiation = _settings.SslNegotiation == "direct" ? SslNegotiation.Direct : SslNegotiation.Postgres,
                GssEncryptionMode = GssEncryptionMode.Disable,
                ChannelBinding = _settings.ChannelBinding switch { "require" => ChannelBinding.Require, "disable" => ChannelBinding.Disable, _ => ChannelBinding.Prefer },
                // the driver would let a server pass that asks for no SCRAM at all; libpq does not
                RequireAuth = RequiredAuthentication.ForDriver(_settings.ChannelBinding == "require" ? "scram-sha-256" : _settings.RequireAuth),
                KerberosServiceName = _settings.KerberosServiceName ?? "postgres",
                Options = string.Join(' ', new[] { _settings.Options, startupOptions }.Where(text => !string.IsNullOrEmpty(text))),
                ApplicationName = _settings.ApplicationName ?? "PgMigration",
                Timeout = _settings.ConnectTimeout ?? DefaultTimeoutSeconds,
                CommandTimeout = statementSeconds,
                TcpKeepAlive = true,
                Pooling = false,
                Enlist = false,
                IncludeFailedBatchedCommand = true,
            }.ConnectionString);

            // Asked only when the server wants a password, at each connection: a rotated one in the file counts at once.
            // The driver would otherwise look into the password file by itself, without libpq's rule on permissions.
            builder.UsePasswordProvider(_ => Password(), (_, _) => ValueTask.FromResult(Password()));
            return builder.Build();
        });

    private string Password() => FindPassword() ?? throw ConnectFailure.PasswordMissing(this, PasswordFile.For(_settings));
}
