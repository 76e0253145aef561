using System.Globalization;
using System.Text.RegularExpressions;

namespace PgMigration;

/// <summary>An app's own database address, such as DATABASE_URL: taken apart and put together so that all that is the app's stays as it was.</summary>
/// <remarks>
/// Apps write into it what their drivers read (<c>?pool=5</c>, <c>?pgbouncer=true</c>, other schemes such as <c>postgis://</c>), so it is
/// not read as a PgServer reads it. It holds a secret, and has no text form but <see cref="PointAt"/>.
/// </remarks>
internal sealed partial class DatabaseUrl
{
    private readonly string _scheme;
    private readonly string _login; // as it stands there, encoded
    private readonly string _query;
    private readonly string _host;
    private readonly int _port;
    private readonly string _database;

    private DatabaseUrl(string scheme, string login, string host, int port, string database, string query)
    {
        _scheme = scheme;
        _login = login;
        _host = host;
        _port = port;
        _database = database;
        _query = query;
    }

    /// <summary>The database as this address has it, for a connection of our own.</summary>
    public PgServer Server => WithMode(new PgServer(_host, _port, _database, User, Password));

    private string User => Uri.UnescapeDataString(_login.Split(':', 2)[0]);

    private string? Password => _login.Split(':', 2) is [_, var password] ? Uri.UnescapeDataString(password) : null;

    private string? SslMode => _query.Split('&').Where(option => option.StartsWith("sslmode=", StringComparison.Ordinal)).Select(option => option[8..]).LastOrDefault();

    /// <summary>Takes an address apart; null when it is none.</summary>
    public static DatabaseUrl? TryParse(string text)
    {
        int schemeEnd = text.IndexOf("://", StringComparison.Ordinal);
        if (schemeEnd <= 0)
        {
            return null;
        }

        string rest = text[(schemeEnd + 3)..];
        int question = rest.IndexOf('?', StringComparison.Ordinal);
        string query = question < 0 ? string.Empty : rest[(question + 1)..];
        string[] parts = (question < 0 ? rest : rest[..question]).Split('/', 2);
        int at = parts[0].LastIndexOf('@');
        if (at < 1 || parts is not [_, { Length: > 0 } database])
        {
            return null;
        }

        string place = parts[0][(at + 1)..];
        int colon = place.EndsWith(']') ? -1 : place.LastIndexOf(':');
        int port = 5432;
        return colon >= 0 && !int.TryParse(place[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) ? null
            : new DatabaseUrl(text[..schemeEnd], parts[0][..at], (colon < 0 ? place : place[..colon]).Trim('[', ']'), port, Uri.UnescapeDataString(database), query);
    }

    /// <summary>Where an address leads, with a login or without; more than one place where it names several hosts, none where it is no address.</summary>
    /// <remarks>Of any form that drivers read: an URL of whatever scheme, JDBC's among them, or <c>host=… dbname=…</c>. An empty database is the driver's default.</remarks>
    public static IEnumerable<(string Host, int Port, string Database, string? User)> PlacesOf(string text)
    {
        int schemeEnd = text.IndexOf("://", StringComparison.Ordinal);
        if (schemeEnd <= 0)
        {
            var words = KeyValue().Matches(text).ToLookup(match => match.Groups["key"].Value, match => match.Groups["value"].Value.Trim('\''));
            string[] ports = (words["port"].LastOrDefault() ?? "5432").Split(',');
            return [.. (words["host"].LastOrDefault() ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Select((host, at) => (host, PortOf(ports.Length > at ? ports[at] : ports[0]), words["dbname"].LastOrDefault() ?? string.Empty, words["user"].LastOrDefault()))];
        }

        string rest = text[(schemeEnd + 3)..].Split('?', '#')[0];
        string[] parts = rest.Split('/', 2);
        int at = parts[0].LastIndexOf('@');
        string? user = at < 0 ? null : Uri.UnescapeDataString(parts[0][..at].Split(':', 2)[0]);
        string database = parts is [_, var name] ? Uri.UnescapeDataString(name) : string.Empty;
        return [.. parts[0][(at + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(place =>
        {
            int colon = place.EndsWith(']') ? -1 : place.LastIndexOf(':');
            return ((colon < 0 ? place : place[..colon]).Trim('[', ']'), colon < 0 ? 5432 : PortOf(place[(colon + 1)..]), database, user);
        })];

        static int PortOf(string port) => int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 5432;
    }

    /// <summary>The same address for another server.</summary>
    /// <remarks>
    /// The app keeps its own login, unless the server is given with one that is neither the app's nor the source's: a server that was
    /// copied has the same logins. What the server demands of TLS counts; where it says nothing, the app's own demand stays.
    /// </remarks>
    /// <param name="server">Where the app is to go.</param>
    /// <param name="sourceUser">The login with which the cutover works on the source.</param>
    /// <exception cref="MigrationException"><c>TargetPasswordMissing</c>.</exception>
    public string PointAt(PgServer server, string sourceUser)
    {
        string login = server.User == User ? $"{_login.Split(':', 2)[0]}:{(server.FindPassword() is { } its ? Uri.EscapeDataString(its) : Password is null ? string.Empty : _login.Split(':', 2)[1])}"
            : server.User == sourceUser ? _login
            : server.FindPassword() is { } password ? $"{Uri.EscapeDataString(server.User)}:{Uri.EscapeDataString(password)}"
            : throw new MigrationException("TargetPasswordMissing", MigrationErrorKind.InvalidArgument, $"The app would be pointed at {server} without a password. Give it in -AppTarget.");
        string host = server.Host.Contains(':', StringComparison.Ordinal) ? $"[{server.Host}]" : server.Host;
        var options = _query.Split('&', StringSplitOptions.RemoveEmptyEntries).ToList();
        if (server.SslMode != "prefer")
        {
            // the old host's authority says nothing about the new one
            options.RemoveAll(option => option.StartsWith("sslmode=", StringComparison.Ordinal) || option.StartsWith("sslrootcert=", StringComparison.Ordinal));
            options.Add($"sslmode={server.SslMode}");
            options.AddRange(server.SslRootCert is { } root ? [$"sslrootcert={Uri.EscapeDataString(root)}"] : []);
        }

        string query = options.Count == 0 ? string.Empty : "?" + string.Join('&', options);
        return string.Create(CultureInfo.InvariantCulture, $"{_scheme}://{login.TrimEnd(':')}@{host}:{server.Port}/{Uri.EscapeDataString(server.Database)}{query}");
    }

    /// <summary>Nothing of it: it holds a secret.</summary>
    public override string ToString() => nameof(DatabaseUrl);

    [GeneratedRegex(@"(?<key>host|port|dbname|user)\s*=\s*(?<value>'[^']*'|\S+)")]
    private static partial Regex KeyValue();

    // A certificate cannot be verified from here: the authority's file is the app's. Whether TLS is spoken at all can.
    private PgServer WithMode(PgServer server) => SslMode switch
    {
        "verify-ca" or "verify-full" => server.WithSslMode("require"),
        "disable" or "allow" or "prefer" or "require" => server.WithSslMode(SslMode),
        _ => server,
    };
}
