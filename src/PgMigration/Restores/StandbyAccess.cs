using System.Runtime.Versioning;
using Npgsql;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Who may log in to a restored server over its socket, and the name of its bootstrap superuser, which a host does not tell.</summary>
/// <remarks>
/// The source's login reads it from the restored catalog: the bootstrap superuser is the role with oid 10 (BOOTSTRAP_SUPERUSERID in
/// PostgreSQL's pg_authid.dat). Root and the server's OS user may then log in as that superuser.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class StandbyAccess(DataDirectoryFiles files, OSUser user)
{
    /// <summary>Writes pg_ident.conf: the OS users that may be these roles.</summary>
    public void Allow(IEnumerable<string> roles)
    {
        var lines = from os in (string[])["root", user.Name]
                    from role in roles
                    select $"{StandbyConfiguration.MapName} {Token(os)} {Token(role)}";
        files.WriteText("pg_ident.conf", "# Written by PgMigration: map, user of this machine, role.\n" + string.Join('\n', lines.Distinct()) + "\n");
    }

    /// <summary>Finds the superuser's name by logging in as one of the roles that are known.</summary>
    /// <param name="candidates">Servers over the socket, each with a role and a database to try.</param>
    /// <param name="cancel">Ends the search.</param>
    /// <exception cref="MigrationException"><c>SuperuserUnknown</c>.</exception>
    public static async Task<string> FindSuperuserAsync(IEnumerable<PgServer> candidates, CancellationToken cancel)
    {
        var tried = new List<string>();
        foreach (var candidate in candidates)
        {
            try
            {
                await using var connection = await candidate.ConnectAsync(cancel);
                await using var command = new NpgsqlCommand("SELECT rolname::text FROM pg_catalog.pg_roles WHERE oid = 10", connection);
                return (string)(await command.ExecuteScalarAsync(cancel))!;
            }
            catch (Exception error) when (IsRefusal(error))
            {
                tried.Add(candidate.User);
            }
        }

        throw new MigrationException("SuperuserUnknown", MigrationErrorKind.PermissionDenied,
            $"No login led to the restored server's catalog; tried: {string.Join(", ", tried)}. Run the same command again with -Source (a login of the source) or -Superuser (the name of the cluster's first superuser).");
    }

    /// <summary>Whether the server answered, and refused this role or database.</summary>
    internal static bool IsRefusal(Exception error) =>
        (error as PostgresException ?? error.InnerException as PostgresException)?.SqlState is
            PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidPassword
            or PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.TooManyConnections;

    // In this file a quoted token holds anything but a quote, which is doubled (hba.c, next_token); a leading slash would make it a pattern.
    private static string Token(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
