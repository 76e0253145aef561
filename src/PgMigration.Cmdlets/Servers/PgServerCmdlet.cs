using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>What the cmdlets on one server have in common: the server, named or piped, and a credential for it.</summary>
public abstract class PgServerCmdlet : MigrationCmdlet
{
    private const string Named = nameof(Named);
    private const string Piped = nameof(Piped);

    /// <summary>The server: postgres://user@host/database, host=… dbname=… user=…, Host=…;Database=…, service=name, or a server object.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = Named)]
    [Alias("Server")]
    [PgServerTransformation]
    public PgServer? Target { get; set; }

    /// <summary>What is piped: a server, its text, a link (its target is meant), or what Test-PgServer reported.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = Piped)]
    public PSObject? InputObject { get; set; }

    /// <summary>The login and its password, instead of those in the server's text. A name alone asks for the password.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>The server that is meant, with the credential's login; warns when a password file is not used.</summary>
    /// <exception cref="MigrationException"><c>ServerTextInvalid</c>: what was piped means no server.</exception>
    protected PgServer ReadServer()
    {
        var server = Target ?? PgServerInput.Read(InputObject!);
        if (Credential is not null && Credential != PSCredential.Empty)
        {
            server = server.WithUser(Credential.UserName).WithPassword(Credential.Password);
        }

        foreach (string warning in server.Warnings)
        {
            WriteWarningLine(warning);
        }

        return server;
    }
}
