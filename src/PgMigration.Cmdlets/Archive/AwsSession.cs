using System.Reflection;
namespace PgMigration.Cmdlets;

/// <summary>Takes over the credentials that AWS.Tools keeps in the session.</summary>
/// <remarks>
/// They are objects of its own AWSSDK.Core, another assembly than ours, so they are asked by name. $StoredAWSCredentials is an
/// AWSPSCredentials whose property Credentials is internal; its GetCredentials() gives AccessKey, SecretKey and Token.
/// </remarks>
internal static class AwsSession
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>The keys that the object holds.</summary>
    /// <exception cref="MigrationException"><c>SessionCredentialsUnreadable</c>.</exception>
    public static (string AccessKey, string SecretKey, string? Token) KeysOf(object stored)
    {
        try
        {
            object? credentials = stored.GetType().GetProperty("Credentials", Any)?.GetValue(stored) ?? stored;
            object? keys = credentials.GetType().GetMethod("GetCredentials", Any, [])?.Invoke(credentials, null);
            if (Text(keys, "AccessKey") is { } accessKey && Text(keys, "SecretKey") is { } secretKey)
            {
                return (accessKey, secretKey, Text(keys, "Token"));
            }
        }
        catch (Exception error) when (error is TargetInvocationException or AmbiguousMatchException)
        {
            throw Unreadable(error.InnerException ?? error);
        }

        throw Unreadable(null);
    }

    private static string? Text(object? keys, string property) =>
        keys?.GetType().GetProperty(property, Any)?.GetValue(keys) as string is { Length: > 0 } value ? value : null;

    private static MigrationException Unreadable(Exception? cause) => new("SessionCredentialsUnreadable", MigrationErrorKind.InvalidOperation,
        "The credentials in $StoredAWSCredentials cannot be read. Set them anew with Set-AWSCredential, name a profile with -ProfileName, or remove the variable to use the environment's.", cause);
}
