using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace PgMigration.Wal;

/// <summary>Sixteen bytes that stand for a path: a large cluster has millions of files, and their names do not fit into memory.</summary>
internal static class FileKey
{
    /// <summary>The key of a path in the data directory.</summary>
    public static UInt128 Of(string path)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(path), hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
