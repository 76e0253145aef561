using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>The ways in which WAL-G encrypts objects, as far as they are read here.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EncryptionMethod>))]
public enum EncryptionMethod
{
    /// <summary>A secret stream of libsodium.</summary>
    Libsodium,

    /// <summary>A message of OpenPGP.</summary>
    OpenPgp,

    /// <summary>A key wrapped by AWS KMS, and a DARE stream.</summary>
    AwsKms,
}
