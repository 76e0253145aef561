using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security;
using System.Text.Json.Serialization;

namespace PgMigration;

/// <summary>A PostgreSQL database one can connect to: host, port, database, user, TLS, and a secret that is never shown.</summary>
/// <remarks>
/// Immutable. Two are equal when host, port, database and user are: what one reaches, not how. The text form is a URI that
/// <see cref="Parse"/> reads back, whole but for the secret, so a server that went through text is never reached with weaker TLS.
/// </remarks>
[JsonConverter(typeof(PgServerJsonConverter))]
public sealed partial class PgServer : IEquatable<PgServer>
{
    private readonly ConnectionSettings _settings;

    /// <summary>Makes a server from its parts.</summary>
    /// <param name="host">A host name, an address, or the folder of a Unix-domain socket (begins with <c>/</c>).</param>
    /// <param name="port">The port.</param>
    /// <param name="database">The database.</param>
    /// <param name="user">The login.</param>
    /// <param name="password">The secret, or null to let PGPASSFILE or the server's own rules decide.</param>
    public PgServer(string host, int port, string database, string user, string? password = null)
        : this(new ConnectionSettings { Host = host, Port = port, Database = database, User = user, Password = password })
    {
    }

    private PgServer(ConnectionSettings settings) => _settings = settings;

    /// <summary>Host name, address, or the folder of a Unix-domain socket.</summary>
    public string Host => _settings.Host;

    /// <summary>The port.</summary>
    public int Port => _settings.Port;

    /// <summary>The database.</summary>
    public string Database => _settings.Database;

    /// <summary>The login.</summary>
    public string User => _settings.User;

    /// <summary>What TLS must prove, in libpq's words: disable, allow, prefer, require, verify-ca, verify-full.</summary>
    public string SslMode => _settings.SslMode;

    /// <summary>The file of the authorities that may have signed the server's certificate, or <c>system</c>; null for libpq's default file.</summary>
    public string? SslRootCert => _settings.SslRootCert;

    /// <summary>Whether both lead to the same database as the same login, however they do.</summary>
    public static bool operator ==(PgServer? left, PgServer? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether they differ in host, port, database or login.</summary>
    public static bool operator !=(PgServer? left, PgServer? right) => !(left == right);

    /// <summary>
    /// Reads a <c>postgres://</c> URI, a libpq text (<c>host=db user=app</c>, <c>service=name</c>) or an Npgsql one (<c>Host=db;Username=app</c>).
    /// What it does not say comes from the service, then the PG… environment variables, then libpq's defaults.
    /// </summary>
    /// <exception cref="MigrationException">
    /// <c>ServerTextInvalid</c>, <c>ServerOptionUnknown</c>, <c>ServerOptionInvalid</c>, <c>ServerOptionNotSupported</c>, <c>ServiceNotFound</c>, …:
    /// which part is wrong. Never with the secret or a part of it.
    /// </exception>
    public static PgServer Parse(string text) => new(ServerText.Read(text).ToSettings());

    /// <summary>As <see cref="Parse"/>; false when the text is wrong.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out PgServer? server)
    {
        try
        {
            server = text is null ? null : Parse(text);
        }
        catch (MigrationException)
        {
            server = null;
        }

        return server is not null;
    }

    /// <summary>The same server with another database.</summary>
    public PgServer WithDatabase(string database) => new(_settings with { Database = database });

    /// <summary>The same server for another login. The secret goes, since it was the former login's.</summary>
    public PgServer WithUser(string user) => user == User ? this : new(_settings with { User = user, Password = null });

    /// <summary>The same server with this secret; null to let the password file or the server's own rules decide.</summary>
    public PgServer WithPassword(string? password) => new(_settings with { Password = password });

    /// <summary>The same server with this secret, as a PSCredential holds it.</summary>
    public PgServer WithPassword(SecureString password) => WithPassword(new System.Net.NetworkCredential(string.Empty, password).Password);

    /// <summary>The same server with its secret in this password file rather than in PGPASSFILE's or the user's own.</summary>
    public PgServer WithPasswordFile(string path) => new(_settings with { PasswordFile = path });

    /// <summary>The same database on another host and port; for a server that was copied or moved.</summary>
    public PgServer WithHost(string host, int port) => new(_settings with { Host = host, HostAddress = null, Port = port });

    /// <summary>The same server with another demand on TLS.</summary>
    /// <param name="sslMode">disable, allow, prefer, require, verify-ca or verify-full.</param>
    /// <param name="sslRootCert">A file of authorities, or <c>system</c>; null for libpq's default file.</param>
    /// <exception cref="MigrationException"><c>ServerOptionInvalid</c>: no such mode, or one too weak for <c>system</c>.</exception>
    public PgServer WithSslMode(string sslMode, string? sslRootCert = null)
    {
        TlsRules.CheckMode(sslMode, sslRootCert);
        return new(_settings with { SslMode = sslMode, SslRootCert = sslRootCert });
    }

    /// <summary>The same server with sessions that begin with these settings, behind its own options.</summary>
    internal PgServer WithOptions(string options) => new(_settings with { Options = _settings.Options is null ? options : $"{_settings.Options} {options}" });

    /// <summary>The same server under another name in pg_stat_activity.</summary>
    public PgServer WithApplicationName(string applicationName) => new(_settings with { ApplicationName = applicationName });

    /// <inheritdoc/>
    public bool Equals(PgServer? other) =>
        other is not null && Port == other.Port && Database == other.Database && User == other.User
        && string.Equals(Host, other.Host, _settings.IsSocket ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PgServer);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Port, Database, User, StringComparer.OrdinalIgnoreCase.GetHashCode(Host));

    /// <summary>The server without its secret: <c>postgres://user@host:port/database?sslmode=require</c>, with the options that were set.</summary>
    public override string ToString()
    {
        string host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Uri.EscapeDataString(Host);
        string options = string.Join('&', _settings.ShownOptions().Select(option => $"{option.Keyword}={Uri.EscapeDataString(option.Value)}"));
        return string.Create(CultureInfo.InvariantCulture,
            $"postgres://{Uri.EscapeDataString(User)}@{host}:{Port}/{Uri.EscapeDataString(Database)}{(options.Length == 0 ? string.Empty : "?")}{options}");
    }
}
