using System.Runtime.Versioning;

namespace PgMigration.Wal.Tests;

/// <summary>Pages of a real cluster with checksums.</summary>
[SupportedOSPlatform("linux")]
public sealed class PageVerifierTests(PageVerifierTests.ChecksummedCluster cluster) : IClassFixture<PageVerifierTests.ChecksummedCluster>
{
    private static readonly Lsn Later = new(ulong.MaxValue);

    [Fact]
    public void Every_page_of_a_sound_cluster_is_right()
    {
        var verifier = new PageVerifier(Later);

        foreach (string path in cluster.Paths())
        {
            verifier.Check(path, 0, cluster.Read(path));
        }

        Assert.True(verifier.Pages > 500, "too few pages to prove anything");
        Assert.Empty(verifier.Suspects);
    }

    [Fact]
    public void A_flipped_bit_anywhere_in_a_page_is_found_by_file_and_number()
    {
        string path = cluster.Paths().First(path => cluster.Read(path).Length >= 4 * PageVerifier.PageSize);
        byte[] pages = cluster.Read(path);
        for (int at = 2 * PageVerifier.PageSize; at < 3 * PageVerifier.PageSize; at += 97)
        {
            int inPage = at % PageVerifier.PageSize;
            if (inPage is < 8 or (>= 14 and < 16))
            {
                continue; // the position and pd_upper decide whether it is looked at
            }

            byte[] altered = [.. pages];
            altered[at] ^= 0x10;
            var verifier = new PageVerifier(Later);
            verifier.Check(path, 0, altered);
            Assert.Equal(new SuspectPage(path, 2), Assert.Single(verifier.Suspects));
        }
    }

    [Fact]
    public void A_page_that_changed_after_the_backups_start_is_passed_over()
    {
        string path = cluster.Paths().First(path => cluster.Read(path).Length > 0);
        byte[] altered = cluster.Read(path);
        altered[5000] ^= 1;
        var verifier = new PageVerifier(new Lsn(1));

        verifier.Check(path, 0, altered);

        Assert.Empty(verifier.Suspects);
        Assert.True(verifier.Pages > 0);
    }

    [Fact]
    public void The_pages_of_a_second_file_are_numbered_on()
    {
        string path = cluster.Paths().First(path => cluster.Read(path).Length > 0);
        byte[] pages = cluster.Read(path);
        var verifier = new PageVerifier(Later);

        verifier.Check(path + ".1", 0, pages); // as the relation's pages 131072 and following they have other checksums

        Assert.NotEmpty(verifier.Suspects);
    }

    [Theory]
    [InlineData("base/5/1259", true)]
    [InlineData("base/5/1259_vm", true)]
    [InlineData("base/5/1259.12", true)]
    [InlineData("pg_tblspc/16400/PG_15_202209061/5/16401", true)]
    [InlineData("global/1260", true)]
    [InlineData("global/pg_filenode.map", false)]
    [InlineData("base/5/t3_16400", false)]
    [InlineData("base/5/PG_VERSION", false)]
    [InlineData("pg_xact/0000", false)]
    public void Only_files_of_relations_have_pages(string path, bool expected) => Assert.Equal(expected, PageVerifier.HasPages(path));

    /// <summary>A cluster with checksums, stopped.</summary>
    public sealed class ChecksummedCluster : IAsyncLifetime
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("pgm-pages-").FullName;

        private string Data => Path.Combine(_folder, "data");

        public IEnumerable<string> Paths() => Directory.EnumerateFiles(Data, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Data, path)).Where(PageVerifier.HasPages).Order(StringComparer.Ordinal);

        public byte[] Read(string path) => File.ReadAllBytes(Path.Combine(Data, path));

        public async Task InitializeAsync()
        {
            File.SetUnixFileMode(_folder, (UnixFileMode)Convert.ToInt32("777", 8));
            await new LocalServer(PostgresBinaries.Find(), Data, OSUser.Default).InitializeAsync(cancel: default, arguments: ["--data-checksums"]);
        }

        public Task DisposeAsync()
        {
            Directory.Delete(_folder, recursive: true);
            return Task.CompletedTask;
        }
    }
}
