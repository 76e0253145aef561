using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Connects to a server and reports its version, the login's rights, and whether it writes, replays and uses TLS.</summary>
/// <remarks>
/// Changes nothing. A server that cannot be reached is an error of its own, and the next one is tried. The report's Server goes onwards
/// with its credential: (Test-PgServer db -Credential app).Server.
/// </remarks>
/// <example>
/// <code>Test-PgServer $env:DATABASE_URL</code>
/// <para>Whether the host can be reached, and what its login may do.</para>
/// </example>
/// <example>
/// <code>'service=old', 'service=new' | Test-PgServer | Format-Table Server, Version, SystemIdentifier, Timeline, IsReadOnly</code>
/// <para>Two servers side by side: a physical copy has the same system identifier.</para>
/// </example>
/// <example>
/// <code>Test-PgServer 'host=db.example.com dbname=shop sslmode=verify-full sslrootcert=system' -Credential app</code>
/// <para>Asks for the password of app, and checks the certificate against the public authorities.</para>
/// </example>
[Cmdlet(VerbsDiagnostic.Test, "PgServer")]
[OutputType(typeof(PgServerReport))]
public sealed class TestPgServerCommand : PgServerCmdlet
{
    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var server = ReadServer();
        try
        {
            Write(await PgServerReport.ReadAsync(server, cancel));
        }
        catch (MigrationException failure)
        {
            WriteFailure(failure, server);
        }
    }
}
