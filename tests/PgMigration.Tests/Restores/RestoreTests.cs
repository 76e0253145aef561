using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>Restores of one archiving server, each into a directory of its own.</summary>
[SupportedOSPlatform("linux")]
public sealed class RestoreTests(ArchivingServer source) : IClassFixture<ArchivingServer>, IDisposable
{
    private readonly RestoreTarget _target = new(source);

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task A_backup_is_restored_followed_and_has_the_same_rows()
    {
        await TestPostgres.ExecuteAsync(source.App, "DROP TABLE IF EXISTS item", "CREATE TABLE item (id bigserial PRIMARY KEY, body text)", "INSERT INTO item (body) SELECT repeat(md5(i::text), 30) FROM generate_series(1, 20000) i");
        await source.BackUpAsync(new BackupWriterOptions { PartSize = 4 << 20 });
        await TestPostgres.ExecuteAsync(source.App, "INSERT INTO item (body) SELECT 'later' FROM generate_series(1, 500)");
        await source.ArchiveNowAsync();

        var link = await _target.StartAsync();

        await ArchivingServer.UntilAsync("the later rows are there", async () => await TestPostgres.QueryAsync<long>(link.Target, "SELECT count(*) FROM item") == 20500);
        const string Sum = "SELECT md5(string_agg(id || body, ',' ORDER BY id)) FROM item";
        Assert.Equal(await TestPostgres.QueryAsync<string>(source.App, Sum), await TestPostgres.QueryAsync<string>(link.Target, Sum));
        Assert.True(await TestPostgres.QueryAsync<bool>(link.Target, "SELECT pg_is_in_recovery()"));
        Assert.Equal("postgres", link.Target.User);
        Assert.Equal(source.App.Database, link.TargetAddress.Database);

        // the app reaches it by TCP with the password that it has always had
        Assert.Equal(20500, await TestPostgres.QueryAsync<long>(link.TargetAddress, "SELECT count(*) FROM item"));
    }
}
