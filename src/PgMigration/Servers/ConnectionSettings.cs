namespace PgMigration;

/// <summary>Everything that is known about reaching a server, the secrets included; PgServer alone holds it and never lets it out.</summary>
internal sealed record ConnectionSettings
{
    public required string Host { get; init; }

    /// <summary>The address to connect to while <see cref="Host"/> is the name that its certificate must carry: libpq's hostaddr.</summary>
    public string? HostAddress { get; init; }

    public required int Port { get; init; }

    public required string Database { get; init; }

    public required string User { get; init; }

    public string? Password { get; init; }

    public string? PasswordFile { get; init; }

    public string SslMode { get; init; } = "prefer";

    public string? SslRootCert { get; init; }

    public string? SslCert { get; init; }

    public string? SslKey { get; init; }

    public string? SslPassword { get; init; }

    public string? SslNegotiation { get; init; }

    public string? SslMinProtocolVersion { get; init; }

    public string? ChannelBinding { get; init; }

    public string? RequireAuth { get; init; }

    public string? KerberosServiceName { get; init; }

    /// <summary>Seconds; 0 waits for ever, as libpq has it; null for our own default.</summary>
    public int? ConnectTimeout { get; init; }

    public string? ApplicationName { get; init; }

    public string? Options { get; init; }

    public bool IsSocket => Host.StartsWith('/') || Host.StartsWith('@');

    /// <summary>Not the members: two of them are secrets.</summary>
    public override string ToString() => nameof(ConnectionSettings);

    /// <summary>The options that are set and no secrets, by their libpq names, in a fixed order.</summary>
    public IEnumerable<(string Keyword, string Value)> ShownOptions()
    {
        (string Keyword, string? Value)[] all =
        [
            ("hostaddr", HostAddress), ("sslmode", SslMode == "prefer" ? null : SslMode), ("sslrootcert", SslRootCert), ("sslcert", SslCert), ("sslkey", SslKey),
            ("sslnegotiation", SslNegotiation), ("ssl_min_protocol_version", SslMinProtocolVersion), ("channel_binding", ChannelBinding), ("require_auth", RequireAuth),
            ("krbsrvname", KerberosServiceName), ("passfile", PasswordFile), ("connect_timeout", ConnectTimeout?.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("application_name", ApplicationName), ("options", Options),
        ];
        return from option in all where option.Value is not null select (option.Keyword, option.Value!);
    }
}
