namespace PgMigration.Wal;

/// <summary>The system's libzstd and the managed decoder must not differ in anything.</summary>
public sealed class ZstdLibraryTests
{
    public static TheoryData<bool> Libraries => ZstdLibrary.IsNative ? [true, false] : [false];

    [Theory]
    [MemberData(nameof(Libraries))]
    public async Task Frames_one_after_the_other_are_one_content(bool native)
    {
        byte[] first = Some.Bytes(300_000);
        byte[] second = Some.Bytes(10, seed: 2);
        byte[] encoded = [.. await Tool.RunAsync("zstd -c -q", first), .. await Tool.RunAsync("zstd -c -q", second)];

        Some.AssertSame([.. first, .. second], await DecodeAsync(encoded, native));
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public async Task Content_is_not_checksummed_once_a_frame_has_no_checksum(bool native)
    {
        byte[] bytes = Some.Bytes(1000);
        byte[] encoded = [.. await Tool.RunAsync("zstd -c -q", bytes), .. await Tool.RunAsync("zstd -c -q --no-check", bytes)];
        await using var stream = new ZstdReadStream(new MemoryStream(encoded), native);
        byte[] decoded = new byte[2000];

        await stream.ReadExactlyAsync(decoded.AsMemory(0, 1000));
        Assert.True(stream.HasChecksum);
        await stream.ReadExactlyAsync(decoded.AsMemory(1000));

        Assert.False(stream.HasChecksum);
        Some.AssertSame([.. bytes, .. bytes], decoded);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public async Task A_cut_a_flipped_bit_and_what_is_no_frame_are_errors(bool native)
    {
        byte[] encoded = await Tool.RunAsync("zstd -c -q", Some.Bytes(300_000));
        for (int end = 0; end < encoded.Length; end += end < 30 ? 1 : 997)
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync(encoded[..end], native));
        }

        for (int at = 9; at < encoded.Length; at += 1499)
        {
            byte[] altered = [.. encoded];
            altered[at] ^= 4;
            await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync(altered, native));
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync([.. encoded, 1, 2, 3], native));
        await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync("no frame at all"u8.ToArray(), native));
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public async Task A_stream_that_comes_byte_by_byte_is_read(bool native)
    {
        byte[] bytes = Some.Bytes(20_000);
        byte[] encoded = await Tool.RunAsync("zstd -c -q", bytes);

        Some.AssertSame(bytes, await Some.AllAsync(new ZstdReadStream(new Trickle(encoded), native)));
    }

    private static Task<byte[]> DecodeAsync(byte[] encoded, bool native) => Some.AllAsync(new ZstdReadStream(new MemoryStream(encoded), native));

    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(1, buffer.Length)], cancellationToken);
    }
}
