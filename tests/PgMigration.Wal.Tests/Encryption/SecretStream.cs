using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace PgMigration.Wal;

/// <summary>crypto_secretstream_xchacha20poly1305 a second time, from its description and without libsodium: slow, and independent of what it tests.</summary>
/// <remarks>Source: https://doc.libsodium.org/secret-key_cryptography/secretstream (algorithm), RFC 8439, draft-irtf-cfrg-xchacha.</remarks>
internal static class SecretStream
{
    public static byte[] Encrypt(byte[] plain, byte[] key)
    {
        byte[] header = RandomNumberGenerator.GetBytes(24);
        byte[] subkey = HChaCha(key, header.AsSpan(0, 16));
        byte[] nonce = new byte[12]; // a counter that begins with 1, then what is left of the header
        nonce[0] = 1;
        header.AsSpan(16).CopyTo(nonce.AsSpan(4));
        var output = new MemoryStream();
        output.Write(header);
        for (int at = 0; ; at += 8192)
        {
            bool final = plain.Length - at < 8192;
            output.Write(Chunk(plain.AsSpan(at, final ? plain.Length - at : 8192), final ? (byte)3 : (byte)0, subkey, nonce));
            if (final)
            {
                return output.ToArray();
            }
        }
    }

    private static byte[] Chunk(ReadOnlySpan<byte> content, byte tag, byte[] key, byte[] nonce)
    {
        byte[] oneTimeKey = Block(key, nonce, 0)[..32];
        byte[] block = Block(key, nonce, 1);
        block[0] ^= tag;
        byte[] cipher = content.ToArray();
        byte[] keyStream = [];
        for (int at = 0; at < cipher.Length; at++)
        {
            keyStream = at % 64 == 0 ? Block(key, nonce, (uint)(2 + (at / 64))) : keyStream;
            cipher[at] ^= keyStream[at % 64];
        }

        byte[] lengths = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(lengths.AsSpan(8), (ulong)(64 + cipher.Length));
        byte[] padding = new byte[(0x10 - 64 + cipher.Length) & 0xF];
        byte[] mac = Poly1305([.. block, .. cipher, .. padding, .. lengths], oneTimeKey);
        for (int i = 0; i < 8; i++)
        {
            nonce[4 + i] ^= mac[i];
        }

        BinaryPrimitives.WriteUInt32LittleEndian(nonce, BinaryPrimitives.ReadUInt32LittleEndian(nonce) + 1);
        return [block[0], .. cipher, .. mac];
    }

    private static byte[] Poly1305(byte[] message, byte[] key)
    {
        var prime = (BigInteger.One << 130) - 5;
        byte[] clamped = key[..16];
        for (int i = 3; i < 16; i += 4)
        {
            clamped[i] &= 15;
        }

        for (int i = 4; i < 16; i += 4)
        {
            clamped[i] &= 252;
        }

        var r = new BigInteger(clamped, isUnsigned: true);
        var sum = BigInteger.Zero;
        for (int at = 0; at < message.Length; at += 16)
        {
            byte[] part = [.. message.AsSpan(at, Math.Min(16, message.Length - at)), 1];
            sum = (sum + new BigInteger(part, isUnsigned: true)) * r % prime;
        }

        byte[] mac = ((sum + new BigInteger(key.AsSpan(16), isUnsigned: true)) & ((BigInteger.One << 128) - 1)).ToByteArray(isUnsigned: true);
        Array.Resize(ref mac, 16);
        return mac;
    }

    private static byte[] HChaCha(byte[] key, ReadOnlySpan<byte> nonce)
    {
        uint[] state = State(key);
        for (int i = 0; i < 4; i++)
        {
            state[12 + i] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[(4 * i)..]);
        }

        Rounds(state);
        return Bytes([.. state[..4], .. state[12..]]);
    }

    private static byte[] Block(byte[] key, byte[] nonce, uint counter)
    {
        uint[] state = State(key);
        state[12] = counter;
        for (int i = 0; i < 3; i++)
        {
            state[13 + i] = BinaryPrimitives.ReadUInt32LittleEndian(nonce.AsSpan(4 * i));
        }

        uint[] mixed = [.. state];
        Rounds(mixed);
        return Bytes([.. mixed.Zip(state, (a, b) => a + b)]);
    }

    private static uint[] State(byte[] key)
    {
        uint[] state = new uint[16];
        for (int i = 0; i < 12; i++)
        {
            state[i] = BinaryPrimitives.ReadUInt32LittleEndian(i < 4 ? "expand 32-byte k"u8[(4 * i)..] : key.AsSpan(4 * (i - 4)));
        }

        return state;
    }

    private static void Rounds(uint[] s)
    {
        for (int i = 0; i < 10; i++)
        {
            for (int column = 0; column < 4; column++)
            {
                Quarter(column, 4 + column, 8 + column, 12 + column);
            }

            for (int column = 0; column < 4; column++)
            {
                Quarter(column, 4 + ((column + 1) % 4), 8 + ((column + 2) % 4), 12 + ((column + 3) % 4));
            }
        }

        void Quarter(int a, int b, int c, int d)
        {
            s[a] += s[b];
            s[d] = BitOperations.RotateLeft(s[d] ^ s[a], 16);
            s[c] += s[d];
            s[b] = BitOperations.RotateLeft(s[b] ^ s[c], 12);
            s[a] += s[b];
            s[d] = BitOperations.RotateLeft(s[d] ^ s[a], 8);
            s[c] += s[d];
            s[b] = BitOperations.RotateLeft(s[b] ^ s[c], 7);
        }
    }

    private static byte[] Bytes(uint[] words)
    {
        byte[] bytes = new byte[4 * words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 * i), words[i]);
        }

        return bytes;
    }
}
