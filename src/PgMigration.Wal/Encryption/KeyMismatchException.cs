using System.Security.Cryptography;

namespace PgMigration.Wal;

/// <summary>An object was not encrypted with the key that is set, or not in this way at all. The text tells nothing of the key.</summary>
public sealed class KeyMismatchException : CryptographicException
{
    /// <summary>An error without further words.</summary>
    public KeyMismatchException()
    {
    }

    /// <summary>An error in the reader's words.</summary>
    public KeyMismatchException(string message) : base(message)
    {
    }

    /// <summary>An error with its cause.</summary>
    public KeyMismatchException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
