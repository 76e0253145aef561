using System.Diagnostics;

namespace PgMigration.Wal;

/// <summary>Damage that only PostgreSQL, or the records themselves, would tell.</summary>
[Collection("programs")]
public sealed class DamagedSegmentTests(PublishedPrograms programs)
{
    [Theory]
    [InlineData("")]
    [InlineData(".zst")]
    public async Task A_segment_damaged_in_its_middle_is_named_and_never_handed_out_though_its_codec_has_no_checksum(string extension)
    {
        using var archive = new FollowedArchive(programs);
        string name = FollowedArchive.Name(2);
        byte[] whole = MadeSegment.WithRecords(name);
        byte[] damaged = [.. whole];
        damaged.AsSpan(500_000, 3).Fill(0xEE);
        await archive.ArchiveAsync(1);
        archive.Put(name + extension, Encode(damaged, extension));

        await archive.ReplayAsync(1);
        using var fetch = archive.StartFetch(name);
        var status = await archive.StatusAsync(status => status.State == PrefetchState.Damaged);
        Assert.Contains(name, status.Detail, StringComparison.Ordinal);
        Assert.Contains("record", status.Detail, StringComparison.Ordinal);
        Assert.False(fetch.HasExited);

        archive.Put(name + extension, Encode(whole, extension));
        await fetch.WaitForExitAsync();
        Assert.Equal(0, fetch.ExitCode);
        Some.AssertSame(whole, await File.ReadAllBytesAsync(archive.Requested));
    }

    [Fact]
    public async Task A_segment_that_PostgreSQL_cannot_get_beyond_is_told_at_a_slow_pace_and_replaced_by_the_repaired_object()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2);
        await archive.ReplayAsync(1);
        await archive.ReplayAsync(2);
        await AskAgainAsync(archive, times: 2);

        var since = Stopwatch.StartNew();
        await AskAgainAsync(archive, times: 2);
        Assert.InRange(since.Elapsed.TotalSeconds, 2.5, 8);
        var status = await archive.StatusAsync(status => status.State == PrefetchState.Damaged);
        Assert.Contains(FollowedArchive.Name(2) + ".lz4", status.Detail, StringComparison.Ordinal);

        byte[] repaired = FollowedArchive.Segment(2);
        repaired[500_000] ^= 1;
        await archive.ArchiveAsync(FollowedArchive.Name(2), repaired);
        Assert.Equal(0, await archive.FetchAsync(FollowedArchive.Name(2)));
        Some.AssertSame(repaired, await File.ReadAllBytesAsync(archive.Requested));
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
    }

    [Fact]
    public async Task Damage_is_forgotten_when_PostgreSQL_gets_on_and_a_promotion_is_not_held_up_by_it()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2);
        await archive.ReplayAsync(1);
        await archive.ReplayAsync(2);
        await AskAgainAsync(archive, times: 3);
        await archive.StatusAsync(status => status.State == PrefetchState.Damaged);

        using var fetch = archive.StartFetch(FollowedArchive.Name(2));
        await File.WriteAllTextAsync(Path.Combine(archive.Layout.DataDirectory, "promote"), string.Empty);
        var since = Stopwatch.StartNew();
        await fetch.WaitForExitAsync();
        Assert.InRange(since.Elapsed.TotalMilliseconds, 0, 500);
        File.Delete(Path.Combine(archive.Layout.DataDirectory, "promote"));

        await archive.ArchiveAsync(3);
        await archive.ReplayAsync(3);
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
    }

    private static async Task AskAgainAsync(FollowedArchive archive, int times)
    {
        for (int time = 0; time < times; time++)
        {
            Assert.Equal(1, await archive.FetchAsync(FollowedArchive.Name(2)));
            Assert.Equal(1, await archive.FetchAsync("00000002.history"));
        }
    }

    // As WAL-G wrote .zst before late 2022: without a checksum.
    private static byte[] Encode(byte[] segment, string extension)
    {
        if (extension.Length == 0)
        {
            return segment;
        }

        using var encoder = new ZstdSharp.Compressor();
        encoder.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_checksumFlag, 0);
        return encoder.Wrap(segment).ToArray();
    }
}
