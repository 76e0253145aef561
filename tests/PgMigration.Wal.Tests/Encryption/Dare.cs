using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PgMigration.Wal;

/// <summary>Writes DARE 2.0 streams, as sio does.</summary>
internal static class Dare
{
    public static byte[] Encrypt(byte[] plain, byte[] key, byte cipher = 0)
    {
        byte[] nonce = RandomNumberGenerator.GetBytes(12);
        var output = new MemoryStream();
        for (int number = 0, at = 0; at < plain.Length; number++, at += 65536)
        {
            byte[] content = plain[at..Math.Min(plain.Length, at + 65536)];
            byte[] header = [0x20, cipher, 0, 0, .. nonce];
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(2), (ushort)(content.Length - 1));
            header[4] = (byte)(at + 65536 >= plain.Length ? header[4] | 0x80 : header[4] & 0x7F);
            byte[] own = header[4..];
            BinaryPrimitives.WriteUInt32LittleEndian(own.AsSpan(8), BinaryPrimitives.ReadUInt32LittleEndian(own.AsSpan(8)) ^ (uint)number);
            byte[] encrypted = new byte[content.Length];
            byte[] tag = new byte[16];
            if (cipher == 0)
            {
                using var aes = new AesGcm(key, 16);
                aes.Encrypt(own, content, encrypted, tag, header[..4]);
            }
            else
            {
                using var chaCha = new ChaCha20Poly1305(key);
                chaCha.Encrypt(own, content, encrypted, tag, header[..4]);
            }

            output.Write([.. header, .. encrypted, .. tag]);
        }

        return output.ToArray();
    }
}
