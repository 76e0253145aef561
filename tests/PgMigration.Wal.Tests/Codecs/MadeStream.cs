using System.Buffers.Binary;

namespace PgMigration.Wal;

/// <summary>An encoded stream that a test made, whole or spoilt.</summary>
/// <param name="Name">What is special about it.</param>
/// <param name="Bytes">The stream.</param>
/// <param name="Piece">How many bytes a read of it gives at most.</param>
internal sealed record MadeStream(string Name, byte[] Bytes, int Piece = int.MaxValue)
{
    /// <summary>The stream itself; cut at its ends and at random places; with flipped bits; with bytes after its end.</summary>
    /// <param name="random">Chooses the places.</param>
    /// <param name="cuts">How many cuts.</param>
    /// <param name="flips">How many flips.</param>
    public IEnumerable<MadeStream> WithDamage(Random random, int cuts = 6, int flips = 4)
    {
        yield return this;
        for (int i = 0; i < cuts && Bytes.Length > 1; i++)
        {
            int length = (i % 3) switch
            {
                0 => random.Next(1, Math.Min(40, Bytes.Length)), // nothing at all is another case
                1 => Bytes.Length - random.Next(1, Math.Min(24, Bytes.Length)),
                _ => random.Next(1, Bytes.Length),
            };
            yield return this with { Name = $"{Name}, cut to {length}", Bytes = Bytes[..length] };
        }

        for (int i = 0; i < flips; i++)
        {
            int at = i % 2 == 0 ? random.Next(Math.Min(64, Bytes.Length)) : random.Next(Bytes.Length);
            byte[] flipped = [.. Bytes];
            flipped[at] ^= (byte)(1 << random.Next(8));
            yield return this with { Name = $"{Name}, a bit of byte {at} flipped", Bytes = flipped };
        }

        yield return Followed("a zero", [0]);
        yield return Followed("zeros", new byte[random.Next(2, 600)]);
        yield return Followed("a byte", [(byte)random.Next(1, 256)]);
        yield return Followed("bytes", [.. Enumerable.Range(1, random.Next(2, 40)).Select(i => (byte)i)]);
    }

    /// <summary>The stream with others after it.</summary>
    public MadeStream Then(params MadeStream[] others) =>
        new(string.Join(" + ", others.Prepend(this).Select(part => part.Name)), [.. Bytes, .. others.SelectMany(part => part.Bytes)], Piece);

    /// <summary>A little-endian number of four bytes.</summary>
    public static byte[] Word(uint value)
    {
        byte[] word = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(word, value);
        return word;
    }

    /// <summary>A big-endian number of four bytes.</summary>
    public static byte[] BigEndianWord(uint value) => [.. Word(value).Reverse()];

    private MadeStream Followed(string what, byte[] bytes) => this with { Name = $"{Name}, followed by {what}", Bytes = [.. Bytes, .. bytes] };
}
