using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

public sealed partial class PgServer
{
    /// <summary>
    /// Tells a program that links libpq to connect here, with the same TLS. All of it, the secret too, goes into the program's own environment, which
    /// only its OS user can read; arguments are shown to everyone on the machine.
    /// </summary>
    /// <exception cref="MigrationException"><c>ServerOptionNotSupported</c>: the passphrase of a client key has no variable.</exception>
    internal void ForLibpq(ProcessStartInfo start)
    {
        if (_settings.SslPassword is not null)
        {
            throw LibpqOption.NotSupported("sslpassword", "PostgreSQL's own programs take it from their arguments only, which everyone can read; give a client key without passphrase");
        }

        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToList())
        {
            _ = start.Environment.Remove(name);
        }

        (string Name, string? Value)[] variables =
        [
            ("PGHOST", Host), ("PGHOSTADDR", _settings.HostAddress), ("PGPORT", Port.ToString(CultureInfo.InvariantCulture)), ("PGDATABASE", Database), ("PGUSER", User),
            ("PGPASSWORD", FindPassword()), ("PGSSLMODE", SslMode), ("PGSSLROOTCERT", SslRootCert), ("PGSSLCERT", _settings.SslCert), ("PGSSLKEY", _settings.SslKey),
            ("PGSSLNEGOTIATION", _settings.SslNegotiation), ("PGSSLMINPROTOCOLVERSION", _settings.SslMinProtocolVersion), ("PGCHANNELBINDING", _settings.ChannelBinding),
            ("PGREQUIREAUTH", _settings.RequireAuth), ("PGKRBSRVNAME", _settings.KerberosServiceName), ("PGGSSENCMODE", "disable"),
            ("PGCONNECT_TIMEOUT", (_settings.ConnectTimeout ?? DefaultTimeoutSeconds).ToString(CultureInfo.InvariantCulture)),
            ("PGAPPNAME", _settings.ApplicationName ?? "PgMigration"), ("PGOPTIONS", _settings.Options),
        ];
        foreach (var (name, value) in variables.Where(variable => variable.Value is not null))
        {
            start.Environment[name] = value;
        }
    }
}
