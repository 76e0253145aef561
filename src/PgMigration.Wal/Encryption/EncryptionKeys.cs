using System.Text;
using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>What decrypts an archive's objects: the method, and its key. The secrets are saved with an <see cref="ArchiveAccess"/>, and never shown.</summary>
public sealed record EncryptionKeys
{
    /// <summary>How WAL-G turns the text of a key into its 32 bytes.</summary>
    public static IReadOnlyList<string> Transforms { get; } = ["base64", "hex", "none"];

    // Shorter ones WAL-G refuses.
    private const int ShortestText = 25;

    /// <summary>How objects are encrypted.</summary>
    public required EncryptionMethod Method { get; init; }

    /// <summary>Which setting holds the key, such as <c>WALG_PGP_KEY_PATH</c>.</summary>
    public required string Setting { get; init; }

    /// <summary>The id of the KMS key.</summary>
    public string? KmsKeyId { get; init; }

    /// <summary>The region of the KMS key; null for the archive's.</summary>
    public string? KmsRegion { get; init; }

    /// <summary>An endpoint that speaks KMS; null for AWS itself.</summary>
    public Uri? KmsEndpoint { get; init; }

    /// <summary>32 bytes in base64, or an armored key ring.</summary>
    [JsonInclude]
    internal string? Key { get; init; }

    [JsonInclude]
    internal string? Passphrase { get; init; }

    /// <summary>A key of libsodium.</summary>
    /// <param name="text">As WALG_LIBSODIUM_KEY holds it.</param>
    /// <param name="transform">As WALG_LIBSODIUM_KEY_TRANSFORM: <c>base64</c>, <c>hex</c> or <c>none</c>.</param>
    /// <param name="setting">Which setting holds it.</param>
    /// <exception cref="MigrationException"><c>EncryptionKeyInvalid</c>; its text repeats nothing of the key.</exception>
    public static EncryptionKeys Libsodium(string text, string transform, string setting)
    {
        byte[] key = transform switch
        {
            "base64" => Decoded(Convert.FromBase64String),
            "hex" => Decoded(Convert.FromHexString),
            "none" => Padded(),
            _ => throw Invalid("WALG_LIBSODIUM_KEY_TRANSFORM", $"is none of {string.Join(", ", Transforms)}"),
        };
        return new EncryptionKeys { Method = EncryptionMethod.Libsodium, Setting = setting, Key = Convert.ToBase64String(key) };

        byte[] Decoded(Func<string, byte[]> decode)
        {
            try
            {
                return decode(text.Trim()) is { Length: SodiumLibrary.KeySize } bytes ? bytes : throw new FormatException();
            }
            catch (FormatException)
            {
                throw Invalid(setting, $"does not hold {SodiumLibrary.KeySize} bytes in {transform} ({(transform == "hex" ? 64 : 44)} characters), as WALG_LIBSODIUM_KEY_TRANSFORM says");
            }
        }

        byte[] Padded()
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            if (bytes.Length < ShortestText)
            {
                throw Invalid(setting, $"is too short: expected {ShortestText} characters at least, or set WALG_LIBSODIUM_KEY_TRANSFORM to base64 or hex");
            }

            Array.Resize(ref bytes, SodiumLibrary.KeySize);
            return bytes;
        }
    }

    /// <summary>A private key ring of OpenPGP.</summary>
    /// <param name="armored">The ring; <c>\n</c> in it stands for a new line, as WALG_PGP_KEY may have it.</param>
    /// <param name="passphrase">What unlocks it; null when it is not locked.</param>
    /// <param name="setting">Which setting holds it.</param>
    /// <exception cref="MigrationException"><c>EncryptionKeyInvalid</c>: it is no private key. Whether the passphrase fits, the first object tells.</exception>
    public static EncryptionKeys OpenPgp(string armored, string? passphrase, string setting)
    {
        armored = armored.Replace("\\n", "\n", StringComparison.Ordinal);
        _ = new PgpKeyRing(armored, passphrase, setting);
        return new EncryptionKeys { Method = EncryptionMethod.OpenPgp, Setting = setting, Key = armored, Passphrase = passphrase };
    }

    /// <summary>A key of AWS KMS, asked for with the credentials of the archive.</summary>
    /// <param name="id">Its id, ARN or alias.</param>
    /// <param name="region">Its region; null for the archive's.</param>
    /// <param name="endpoint">Another endpoint than AWS's; null for that.</param>
    /// <param name="setting">Which setting names it.</param>
    public static EncryptionKeys AwsKms(string id, string? region, Uri? endpoint, string setting) =>
        new() { Method = EncryptionMethod.AwsKms, Setting = setting, KmsKeyId = id, KmsRegion = region, KmsEndpoint = endpoint };

    /// <summary>The method and the setting, without secrets.</summary>
    public override string ToString() => $"{Method} by {Setting}";

    private static MigrationException Invalid(string setting, string what) => new("EncryptionKeyInvalid", MigrationErrorKind.InvalidArgument, $"{setting} {what}.");
}
