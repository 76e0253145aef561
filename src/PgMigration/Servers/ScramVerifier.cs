using System.Globalization;
using System.Net;
using System.Security;
using System.Security.Cryptography;
using System.Text;

namespace PgMigration;

/// <summary>What a PostgreSQL server keeps of a password: enough to check it, and not the password.</summary>
/// <remarks>
/// Given as the password of CREATE ROLE or ALTER ROLE, it is taken as it is, and whatever a log shows of a statement that failed is no secret that
/// logs in. Source of the form: PostgreSQL's documentation of pg_authid.rolpassword; RFC 5803.
/// </remarks>
public static class ScramVerifier
{
    private const int Iterations = 4096;

    /// <summary>A verifier of SCRAM-SHA-256, with a salt of its own each time.</summary>
    /// <param name="password">The password.</param>
    public static string Of(SecureString password)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(16);
        byte[] salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(new NetworkCredential(string.Empty, password).Password.Normalize(NormalizationForm.FormKC)), salt, Iterations, HashAlgorithmName.SHA256, 32);
        byte[] storedKey = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        byte[] serverKey = HMACSHA256.HashData(salted, "Server Key"u8);
        return string.Create(CultureInfo.InvariantCulture, $"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(storedKey)}:{Convert.ToBase64String(serverKey)}");
    }
}
