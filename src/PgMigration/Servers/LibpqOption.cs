namespace PgMigration;

/// <summary>A connection option by its libpq name.</summary>
/// <remarks>Source: PQconninfoOptions in PostgreSQL's src/interfaces/libpq/fe-connect.c.</remarks>
/// <param name="Keyword">Its name in URIs and key=value texts.</param>
/// <param name="Variable">The environment variable that fills it when the text does not.</param>
/// <param name="Refused">Why we do not take it, for options whose being ignored would weaken the connection or reach something else.</param>
internal sealed record LibpqOption(string Keyword, string? Variable = null, string? Refused = null)
{
    /// <summary>All that libpq 18 knows. Those that only tune its sockets are taken and have no effect.</summary>
    public static IReadOnlyList<LibpqOption> All { get; } =
    [
        new("host", "PGHOST"), new("hostaddr", "PGHOSTADDR"), new("port", "PGPORT"), new("dbname", "PGDATABASE"), new("user", "PGUSER"),
        new("password", "PGPASSWORD"), new("passfile"), new("service", "PGSERVICE"),
        new("sslmode", "PGSSLMODE"), new("requiressl", "PGREQUIRESSL"), new("sslrootcert", "PGSSLROOTCERT"), new("sslcert", "PGSSLCERT"), new("sslkey", "PGSSLKEY"),
        new("sslpassword"), new("sslnegotiation", "PGSSLNEGOTIATION"), new("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
        new("channel_binding", "PGCHANNELBINDING"), new("require_auth", "PGREQUIREAUTH"), new("krbsrvname", "PGKRBSRVNAME"),
        new("connect_timeout", "PGCONNECT_TIMEOUT"), new("application_name", "PGAPPNAME"), new("fallback_application_name"), new("options", "PGOPTIONS"),
        new("target_session_attrs", "PGTARGETSESSIONATTRS"), new("gssencmode", "PGGSSENCMODE"),
        new("client_encoding"), new("keepalives"), new("keepalives_idle"), new("keepalives_interval"), new("keepalives_count"), new("tcp_user_timeout"),
        new("sslcompression"), new("sslsni"), new("gsslib"), new("gssdelegation"), new("load_balance_hosts"), new("min_protocol_version"), new("max_protocol_version"),
        new("sslcrl", "PGSSLCRL", "revocation lists are not checked here"), new("sslcrldir", "PGSSLCRLDIR", "revocation lists are not checked here"),
        new("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", "TLS versions have no upper limit here"), new("sslcertmode", "PGSSLCERTMODE", "a certificate is sent when there is one"),
        new("requirepeer", "PGREQUIREPEER", "the owner of a socket's server is not checked here"),
        new("replication", Refused: "this is the address of a database, not of a replication stream"),
    ];

    private static readonly Dictionary<string, LibpqOption> ByKeyword = All.ToDictionary(option => option.Keyword, StringComparer.Ordinal);

    public static bool IsKnown(string keyword) => ByKeyword.ContainsKey(keyword);

    public static bool IsSecret(string keyword) => keyword is "password" or "sslpassword";

    /// <summary>Lets a known option pass, and names another one unless it may be a piece of a secret.</summary>
    public static void Check(string keyword, bool mayBeSecret)
    {
        if (ByKeyword.TryGetValue(keyword, out var option))
        {
            if (option.Refused is not null)
            {
                throw NotSupported(keyword, option.Refused);
            }

            return;
        }

        string? near = ByKeyword.Keys.Select(known => (Known: known, Distance: Distance(keyword, known)))
            .Where(pair => pair.Distance <= Math.Max(1, pair.Known.Length / 4)).OrderBy(pair => pair.Distance).Select(pair => pair.Known).FirstOrDefault();
        bool isShown = near is not null || (!mayBeSecret && keyword.Length is > 0 and < 64 && keyword.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or ' ' or '.'));
        throw new MigrationException("ServerOptionUnknown", MigrationErrorKind.InvalidArgument,
            (isShown ? $"The server has an option '{keyword}' that PostgreSQL's own clients do not know." : "The server has an option that PostgreSQL's own clients do not know; it is not shown, since it may be a piece of the password. Quote or percent-encode that.")
            + (near is not null ? $" Is {near} meant?" : isShown ? " Leave it out if it is for another driver." : string.Empty));
    }

    public static MigrationException NotSupported(string keyword, string why) =>
        new("ServerOptionNotSupported", MigrationErrorKind.InvalidArgument, $"The server's option {keyword} is not supported: {why}. Leave it out, or choose another server.");

    public static MigrationException InvalidValue(string keyword, IEnumerable<string> allowed) =>
        new("ServerOptionInvalid", MigrationErrorKind.InvalidArgument, $"The server's option {keyword} has a value that it cannot have. Expected one of {string.Join(", ", allowed)}.");

    /// <summary>Levenshtein's distance: how many letters to change, add or remove.</summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length && a.Length < 64; i++)
        {
            (int diagonal, row[0]) = (row[0], i);
            for (int j = 1; j <= b.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
            }
        }

        return a.Length < 64 ? row[^1] : int.MaxValue;
    }
}
