using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

[SupportedOSPlatform("linux")]
public sealed class RestoreDirectoryTests : IDisposable
{
    private readonly RestoreLayout _layout = new(Directory.CreateTempSubdirectory("pgm-space-").FullName);

    public void Dispose() => Directory.Delete(_layout.DataDirectory, recursive: true);

    [Fact]
    public void What_is_lacking_on_the_disk_is_said_in_a_unit_that_fits()
    {
        var directory = new RestoreDirectory(_layout, OSUser.Default, default);

        var refused = Assert.Throws<MigrationException>(() => directory.CheckSpace([_layout.DataDirectory], 1L << 50));

        Assert.Equal("DiskTooSmall", refused.ErrorId);
        Assert.Contains("1075.20 TB more", refused.Message, StringComparison.Ordinal); // 1 PiB and its headroom; in gigabytes alone, a small one read "needs 0.1 GB, and 0.1 GB are free"
    }

    [Fact]
    public void A_disk_is_known_by_where_it_is_mounted_and_not_by_its_size()
    {
        Assert.Equal("/dev/shm", RestoreDirectory.DiskOf("/dev/shm/data"));
        Assert.Equal("/proc", RestoreDirectory.DiskOf("/proc"));
        Assert.NotEqual(RestoreDirectory.DiskOf("/dev/shm"), RestoreDirectory.DiskOf("/dev/shmother"));
    }
}
