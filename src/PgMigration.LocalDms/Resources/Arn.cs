using System.Security.Cryptography;

namespace PgMigration.LocalDms;

/// <summary>Addresses as AWS gives them; the account is made up.</summary>
/// <param name="region">The region that the process was started with.</param>
internal sealed class Arn(string region)
{
    private const string Account = "123456789012";
    private const int KeyLength = 26;

    /// <summary>A fresh address.</summary>
    /// <param name="kind">rep, endpoint, task or replication-config.</param>
    public string New(string kind) => $"arn:aws:dms:{region}:{Account}:{kind}:{RandomNumberGenerator.GetString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", KeyLength)}";

    /// <summary>The part of an address that no other has, in small letters.</summary>
    public static string KeyOf(string arn) => arn[(arn.LastIndexOf(':') + 1)..].ToLowerInvariant();
}
