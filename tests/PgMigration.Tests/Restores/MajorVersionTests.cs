using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>Clusters of each major version, and of each segment size. No package brings servers of 12 and 13.</summary>
[SupportedOSPlatform("linux")]
public sealed class MajorVersionTests
{
    [MajorFact(14)]
    public Task A_cluster_of_version_14_is_restored_followed_and_promoted() => FollowAsync(14);

    [MajorFact(16)]
    public Task A_cluster_of_version_16_is_restored_followed_and_promoted() => FollowAsync(16);

    [MajorFact(17)]
    public Task A_cluster_of_version_17_is_restored_followed_and_promoted() => FollowAsync(17);

    [MajorFact(18)]
    public Task A_cluster_of_version_18_is_restored_followed_and_promoted() => FollowAsync(18);

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public Task A_cluster_with_another_segment_size_is_restored_followed_and_promoted(int megabytes) => FollowAsync(null, $"--wal-segsize={megabytes}");

    [Fact]
    public async Task Large_segments_are_followed_within_a_pool_of_one()
    {
        await using var source = await ArchivingServer.StartAsync(null, "--wal-segsize=256");
        await TestPostgres.ExecuteAsync(source.Admin, "ALTER SYSTEM SET archive_command = 'gzip -1 < %p > ../archive/wal_005/%f.new && mv ../archive/wal_005/%f.new ../archive/wal_005/%f.gz'", "SELECT pg_reload_conf()");
        await source.FillAsync(100);
        await source.BackUpAsync();
        using var target = new RestoreTarget(source);

        var link = await target.StartAsync(target.Options with { PrefetchSize = 256L << 20 });
        await source.AddAsync("in the next segment");
        await TestPostgres.ExecuteAsync(source.Admin, "SELECT pg_switch_wal()");

        await target.UntilSameAsync(link);
        Assert.Equal(256 << 20, RestoreRecord.Load(target.Layout.RecordFile).SegmentSize);
        Assert.InRange(PrefetchStatus.Read(target.Layout)!.PoolBytes, 0, 256L << 20);
    }

    private static async Task FollowAsync(int? major, params string[] initdb)
    {
        var binaries = major is { } number ? PostgresMajors.Find(number) : null;
        await using var source = await ArchivingServer.StartAsync(binaries, initdb);
        await source.FillAsync(2_000);
        await source.BackUpAsync();
        using var target = new RestoreTarget(source);

        var link = await target.StartAsync(target.Options with { PostgresBin = binaries?.Folder });
        for (int i = 0; i < 3; i++)
        {
            await source.AddAsync($"later {i}");
            await source.ArchiveNowAsync();
        }

        await target.UntilSameAsync(link);
        using (var storage = ArchiveStorage.Open(source.Archive))
        {
            var report = await ArchiveSurvey.RunAsync(storage, await BackupCatalog.FindAsync(storage));
            Assert.True(report.IsWhole, report.Detail);
            Assert.Equal(await TestPostgres.QueryAsync<int>(source.Admin, "SELECT setting::int FROM pg_settings WHERE name = 'wal_segment_size'"), report.SegmentSize);
        }

        await TestPostgres.ExecuteAsync(link.Target, "SELECT pg_promote(true, 60)");
        Assert.Equal(await ArchivingServer.ChecksumAsync(source.App), await ArchivingServer.ChecksumAsync(link.Target));
        await TestPostgres.ExecuteAsync(link.Target, "INSERT INTO item (body) VALUES ('on the new timeline')");
    }
}
