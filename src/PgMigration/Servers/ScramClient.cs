using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PgMigration;

/// <summary>The client's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677), as PgBouncer's console asks for it.</summary>
internal sealed class ScramClient
{
    private readonly string _password;
    private readonly string _nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(18));
    private byte[] _expectedServerSignature = [];

    public ScramClient(string password) => _password = password;

    private string FirstBare => $"n=,r={_nonce}";

    /// <summary>The first message: no channel binding, the user as in the startup message, our nonce.</summary>
    public string First => "n,," + FirstBare;

    /// <summary>The answer to the server's challenge.</summary>
    public string Answer(string challenge)
    {
        var fields = challenge.Split(',').ToDictionary(field => field[0], field => field[2..]);
        if (!fields['r'].StartsWith(_nonce, StringComparison.Ordinal))
        {
            throw Failed("the server's nonce does not continue ours");
        }

        byte[] salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(_password.Normalize(NormalizationForm.FormKC)), Convert.FromBase64String(fields['s']),
            int.Parse(fields['i'], CultureInfo.InvariantCulture), HashAlgorithmName.SHA256, 32);
        byte[] clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        string withoutProof = $"c=biws,r={fields['r']}";
        byte[] message = Encoding.UTF8.GetBytes($"{FirstBare},{challenge},{withoutProof}");
        byte[] signature = HMACSHA256.HashData(SHA256.HashData(clientKey), message);
        byte[] proof = [.. clientKey.Zip(signature, (key, sign) => (byte)(key ^ sign))];
        _expectedServerSignature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), message);
        return $"{withoutProof},p={Convert.ToBase64String(proof)}";
    }

    /// <summary>Checks that the server knows the password too.</summary>
    public void Verify(string final)
    {
        if (!final.StartsWith("v=", StringComparison.Ordinal) || !CryptographicOperations.FixedTimeEquals(Convert.FromBase64String(final[2..]), _expectedServerSignature))
        {
            throw Failed("the server's signature is wrong: it does not know the password");
        }
    }

    private static MigrationException Failed(string reason) => new("PgBouncerRefused", MigrationErrorKind.PermissionDenied, $"SCRAM authentication on PgBouncer's console failed: {reason}.");
}
