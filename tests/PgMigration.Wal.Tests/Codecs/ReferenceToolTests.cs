namespace PgMigration.Wal;

/// <summary>Each codec accepts what the reference tool of its format accepts, with the same content, and refuses what it refuses.</summary>
public sealed class ReferenceToolTests
{
    private const int Seed = 20261130;

    [Fact]
    public Task Lz4_agrees_with_the_lz4_tool()
    {
        var random = new Random(Seed);
        var made = new MadeLz4(random);
        var streams = new List<MadeStream>();
        for (int i = 0; i < 24; i++)
        {
            streams.AddRange(made.Any().WithDamage(random, cuts: 3, flips: 2));
        }

        for (int i = 0; i < 6; i++)
        {
            streams.AddRange(made.Any().Then(made.Skippable(), made.Any(), made.Legacy(), made.Any()).WithDamage(random, cuts: 3, flips: 0));
            streams.AddRange(made.Skippable().Then(made.Legacy(), made.Legacy(), made.Skippable()).WithDamage(random, cuts: 2, flips: 0));
            streams.Add(made.Skippable());
        }

        foreach (int size in (int[])[4, 5, 6, 7])
        {
            streams.Add(made.Frame(false, true, true, 2, null, size, MadeLz4.Kind.FullStored, MadeLz4.Kind.FullCompressed, MadeLz4.Kind.EmptyStored));
            streams.Add(made.Frame(true, false, true, 2, null, size, MadeLz4.Kind.LongMatch, MadeLz4.Kind.EmptyStored, MadeLz4.Kind.Before, MadeLz4.Kind.EmptyCompressed, MadeLz4.Kind.Before));
            streams.Add(made.Frame(false, false, false, 0, null, size, MadeLz4.Kind.TooLong));
        }

        streams.AddRange(Enumerable.Range(0, 256).Where(flags => (flags & 0b1001) == 0).Select(flags => MadeLz4.Header((byte)flags, 0x70)));
        streams.AddRange(Enumerable.Range(0, 16).SelectMany(size => (MadeStream[])[MadeLz4.Header(0x60, (byte)(size << 4)), MadeLz4.Header(0x60, (byte)(0x40 | size))]));
        return ReferenceTool.AssertAgreesAsync(Codec.Lz4, "lz4 -dc", streams);
    }
}
