using System.Management.Automation;
using System.Reflection;
using PgMigration.Wal;

namespace PgMigration.Cmdlets;

/// <summary>Takes over credentials of AWS.Tools: those that it keeps in the session, and those of a parameter.</summary>
/// <remarks>
/// They are objects of its own AWSSDK.Core, another assembly than ours, so they are asked by name. $StoredAWSCredentials is an
/// AWSPSCredentials whose property Credentials is internal; its GetCredentials() gives AccessKey, SecretKey and Token, and renews those that expire.
/// </remarks>
internal static class AwsSession
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>The keys that the object holds, or the object to be asked for them whenever they are needed.</summary>
    /// <param name="stored">The object.</param>
    /// <param name="where">Where it stands, such as <c>$StoredAWSCredentials</c>.</param>
    /// <exception cref="MigrationException"><c>SessionCredentialsUnreadable</c>.</exception>
    public static AwsChoice Of(object stored, string where)
    {
        stored = stored is PSObject wrapped ? wrapped.BaseObject : stored;
        if (stored is PSCredential pair)
        {
            return new AwsChoice(new AwsKeys(pair.UserName, pair.GetNetworkCredential().Password, null), null);
        }

        var keys = KeysOf(stored, where);
        return keys.SessionToken is null ? new AwsChoice(keys, null) : new AwsChoice(null, () => KeysOf(stored, where));
    }

    private static AwsKeys KeysOf(object stored, string where)
    {
        try
        {
            object? credentials = stored.GetType().GetProperty("Credentials", Any)?.GetValue(stored) ?? stored;
            object? keys = credentials.GetType().GetMethod("GetCredentials", Any, [])?.Invoke(credentials, null);
            if (Text(keys, "AccessKey") is { } accessKey && Text(keys, "SecretKey") is { } secretKey)
            {
                return new AwsKeys(accessKey, secretKey, Text(keys, "Token"));
            }
        }
        catch (Exception error) when (error is TargetInvocationException or AmbiguousMatchException)
        {
            throw Unreadable(where, error.InnerException ?? error);
        }

        throw Unreadable(where, null);
    }

    private static string? Text(object? keys, string property) =>
        keys?.GetType().GetProperty(property, Any)?.GetValue(keys) as string is { Length: > 0 } value ? value : null;

    private static MigrationException Unreadable(string where, Exception? cause) => new("SessionCredentialsUnreadable", MigrationErrorKind.InvalidOperation,
        $"The credentials in {where} cannot be read{(cause is null ? string.Empty : $": {cause.Message.TrimEnd('.')}")}. Set them again with Set-AWSCredential, name a profile with -ProfileName, or remove the variable to use the environment's.", cause);
}
