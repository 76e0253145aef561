using System.Management.Automation;
using System.Net;
using System.Security;

namespace PgMigration.Cmdlets;

/// <summary>Reads a secret that was given as SecureString or as string.</summary>
internal static class AwsSecret
{
    /// <summary>The secret; null when none was given.</summary>
    /// <exception cref="MigrationException"><c>AwsParametersInvalid</c>; its text repeats nothing of the value.</exception>
    public static string? TextOf(object? given) => given switch
    {
        null => null,
        PSObject wrapped => TextOf(wrapped.BaseObject),
        string text => text.Trim(),
        SecureString secure => new NetworkCredential(string.Empty, secure).Password,
        _ => throw new MigrationException("AwsParametersInvalid", MigrationErrorKind.InvalidArgument,
            $"A secret was given as {given.GetType().Name}. Expected a SecureString (Read-Host -AsSecureString) or a string."),
    };
}
