using System.Globalization;

namespace PgMigration;

/// <summary>The options that a text named, by their libpq keywords; then filled up from its service, the environment and libpq's defaults.</summary>
/// <remarks>
/// The rule that keeps secrets out of errors: nothing behind the first secret is ever quoted, since a secret that was not escaped
/// spills into what follows it. A keyword behind it is named only when it looks like one that we know.
/// </remarks>
internal sealed class ServerText
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>Whether a secret has been read, so that what comes after may be a piece of it.</summary>
    private bool _mayHoldSecret;

    /// <summary>Reads a text in any of the forms.</summary>
    public static ServerText Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        var read = new ServerText();
        if (UriFormat.Matches(text))
        {
            UriFormat.Read(text, read);
        }
        else if (!text.Contains('=', StringComparison.Ordinal))
        {
            throw Invalid("the text", "is none of the forms of a server: postgres://user@host:5432/database, host=… dbname=…, Host=…;Database=…, or service=name");
        }
        else if (ConnectionStringFormat.Matches(text))
        {
            ConnectionStringFormat.Read(text, read);
        }
        else
        {
            ConninfoFormat.Read(text, read);
        }

        return read;
    }

    /// <summary>An error about the form of the text.</summary>
    /// <param name="part">The part that is wrong, never quoted.</param>
    /// <param name="problem">What is wrong with it and what was expected; a predicate, without a full stop.</param>
    public static MigrationException Invalid(string part, string problem) =>
        new("ServerTextInvalid", MigrationErrorKind.InvalidArgument, $"The server could not be read: {part} {problem}. (The text itself is not shown: it may hold a secret.)");

    /// <summary>Adds an option; the last one of a name counts, as in libpq.</summary>
    /// <exception cref="MigrationException"><c>ServerOptionUnknown</c>, or <c>ServerOptionNotSupported</c>.</exception>
    public void Add(string keyword, string value)
    {
        LibpqOption.Check(keyword, _mayHoldSecret);
        _mayHoldSecret |= LibpqOption.IsSecret(keyword);
        _values[keyword] = value;
    }

    /// <summary>As <see cref="Add(string, string)"/>, for a value that is neither quoted nor percent-encoded as far as <paramref name="raw"/> shows it.</summary>
    /// <exception cref="MigrationException">Also <c>ServerTextInvalid</c>: another option seems to have got into it.</exception>
    public void Add(string keyword, string value, string raw, ServerForm form)
    {
        if (LibpqOption.IsKnown(keyword))
        {
            SpilledSecret.CheckRaw(keyword, raw, form);
        }

        Add(keyword, value);
    }

    /// <summary>Adds an option that the text's own grammar delimits, such as the password before a URI's only @: what follows cannot be a piece of it.</summary>
    public void AddDelimited(string keyword, string value) => _values[keyword] = value;

    /// <summary>The error for a word without a value, or the like: quotes nothing.</summary>
    public MigrationException Misplaced(string part, string problem) =>
        Invalid(part, _mayHoldSecret ? $"{problem}; if the password is cut there, quote or escape it" : problem);

    /// <summary>Fills up what the text left out, and checks every value.</summary>
    public ConnectionSettings ToSettings()
    {
        string? service = _values.GetValueOrDefault("service") ?? Environment.GetEnvironmentVariable("PGSERVICE");
        if (!string.IsNullOrEmpty(service))
        {
            foreach (var (keyword, value) in ServiceFile.Find(service))
            {
                _values.TryAdd(keyword, value);
            }
        }

        foreach (var option in LibpqOption.All.Where(option => option.Variable is not null))
        {
            if (Environment.GetEnvironmentVariable(option.Variable!) is { Length: > 0 } value)
            {
                _values.TryAdd(option.Keyword, value);
            }
        }

        foreach (var (keyword, value) in _values)
        {
            SpilledSecret.Check(keyword, value);
        }

        string user = Text("user") ?? Environment.UserName;
        string? root = Text("sslrootcert");
        string mode = _values.GetValueOrDefault("sslmode") ?? (Text("requiressl") == "1" ? "require" : root == "system" ? "verify-full" : "prefer");
        TlsRules.CheckMode(mode, root);
        Only("target_session_attrs", "any");
        Only("gssencmode", "disable", "prefer");
        return new ConnectionSettings
        {
            Host = OneHost(Text("host") ?? Text("hostaddr") ?? DefaultHost()),
            HostAddress = Address("hostaddr", Text("hostaddr")) is { } address && Text("host") is not null ? address : null,
            Port = Number("port", 1, 65535) ?? 5432,
            Database = Text("dbname") ?? user,
            User = user,
            Password = Text("password"),
            PasswordFile = Text("passfile"),
            SslMode = mode,
            SslRootCert = root,
            SslCert = Text("sslcert"),
            SslKey = Text("sslkey"),
            SslPassword = Text("sslpassword"),
            SslNegotiation = OneOf("sslnegotiation", "postgres", "direct"),
            SslMinProtocolVersion = OneOf("ssl_min_protocol_version", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
            ChannelBinding = OneOf("channel_binding", "disable", "prefer", "require"),
            RequireAuth = RequiredAuthentication.Check(Text("require_auth")),
            KerberosServiceName = Text("krbsrvname"),
            ConnectTimeout = Number("connect_timeout", int.MinValue, 1024) is { } seconds ? Math.Max(0, seconds) : null,
            ApplicationName = Text("application_name") ?? Text("fallback_application_name"),
            Options = Text("options"),
        };
    }

    private static string DefaultHost() =>
        OperatingSystem.IsWindows() ? "localhost" : Directory.Exists("/var/run/postgresql") ? "/var/run/postgresql" : "/tmp";

    private string? Text(string keyword) => _values.GetValueOrDefault(keyword) is { Length: > 0 } value ? value : null;

    private string OneHost(string host)
    {
        // A fence must know which server it fences: a list would let the driver choose another one in the middle of a cutover.
        if (host.Contains(',', StringComparison.Ordinal) || Text("port")?.Contains(',', StringComparison.Ordinal) == true)
        {
            throw Invalid("host", "is a list of hosts; name the one server that is meant");
        }

        bool isSocket = host[0] is '/' or '@';
        if (!isSocket && host.Contains(':', StringComparison.Ordinal))
        {
            Address("host", host);
        }

        return isSocket || host.All(letter => char.IsLetterOrDigit(letter) || letter is '.' or '-' or '_' or ':' or '%')
            ? host
            : throw Invalid("host", "holds a character that no host name has; if it belongs to the user or the password, percent-encode it (@ is %40, / is %2F, : is %3A, # is %23, ? is %3F)");
    }

    private static string? Address(string keyword, string? text) => text is null || System.Net.IPAddress.TryParse(text.Split('%')[0], out _) ? text
        : throw Invalid(keyword, "is no address such as 10.0.0.5 or fd00::5; a port is an option of its own (port=5432), and so is a password");

    private int? Number(string keyword, int least, int most)
    {
        if (Text(keyword) is not { } text)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw Invalid(keyword, string.Create(CultureInfo.InvariantCulture, $"is not a number{(least > int.MinValue ? $" from {least}" : string.Empty)} to {most}; if it belongs to the password, percent-encode or quote that"));
    }

    private string? OneOf(string keyword, params string[] allowed) =>
        Text(keyword) is not { } value ? null
        : allowed.Contains(value) ? value
        : throw LibpqOption.InvalidValue(keyword, allowed);

    private void Only(string keyword, params string[] harmless)
    {
        if (Text(keyword) is { } value && !harmless.Contains(value))
        {
            throw LibpqOption.NotSupported(keyword, $"only {string.Join(" and ", harmless)} can be honoured here");
        }
    }
}
