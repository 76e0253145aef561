using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>Delta backups of a real cluster over two steps: PostgreSQL starts on what is restored, and finds nothing wrong with it.</summary>
[SupportedOSPlatform("linux")]
[Collection(ArchivingCollection.Name)]
public sealed class DeltaRestoreTests(ArchivingServer source) : IDisposable
{
    private static readonly BackupWriterOptions SmallParts = new() { PartSize = 4 << 20 };

    private readonly RestoreTarget _target = new(source);
    private readonly RestoreTarget _untouched = new(source);

    public void Dispose()
    {
        _target.Dispose();
        _untouched.Dispose();
    }

    [Fact]
    public async Task A_delta_over_two_steps_with_a_tablespace_is_restored_and_sound()
    {
        var (first, second) = await MakeChainAsync(withTablespace: true);
        try
        {
            await RestoreAndCheckAsync(first, second);
        }
        finally
        {
            await TestPostgres.ExecuteAsync(source.Admin, "DROP TABLE ledger", "DROP TABLESPACE space"); // other tests share the cluster
        }
    }

    [Fact]
    public async Task A_delta_that_is_killed_again_and_again_ends_byte_identical()
    {
        var (_, second) = await MakeChainAsync(withTablespace: false);
        using (var whole = new RunnerProcess("load", source.ArchiveFolder, second.Name, _untouched.DataDirectory))
        {
            await whole.SucceedAsync();
        }

        int kills = 0;
        for (int parts = 1; parts <= 9; parts += 2)
        {
            using var runner = new RunnerProcess("load", source.ArchiveFolder, second.Name, _target.DataDirectory);
            await ArchivingServer.UntilAsync($"{parts} parts more are done", () => Task.FromResult(runner.HasExited || _target.PartsDone() >= parts), every: TimeSpan.FromMilliseconds(2));
            kills += runner.HasExited ? 0 : 1;
            await runner.KillAsync();
        }

        Assert.True(kills >= 2, "the loads were too quick to be killed");
        using (var last = new RunnerProcess("load", source.ArchiveFolder, second.Name, _target.DataDirectory))
        {
            await last.SucceedAsync();
        }

        Assert.Equal(_untouched.Hashes(), _target.Hashes());
    }

    [Fact]
    public async Task The_missing_base_of_a_delta_is_named_before_anything_is_written()
    {
        var (_, second) = await MakeChainAsync(withTablespace: false);
        string sentinel = Directory.GetFiles(Path.Combine(source.ArchiveFolder, "basebackups_005"), "*_sentinel.json")
            .Select(path => Path.GetFileName(path)!).Where(name => !name.Contains("_D_", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Last();
        File.Delete(Path.Combine(source.ArchiveFolder, "basebackups_005", sentinel));

        var error = await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync(_target.Options with { BackupName = second.Name }));

        Assert.Equal("BackupBaseMissing", error.ErrorId);
        Assert.Contains(sentinel, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_target.DataDirectory));
    }

    private async Task RestoreAndCheckAsync(DeltaBackup.Contents first, DeltaBackup.Contents second)
    {
        Assert.NotEmpty(first.Skipped);
        Assert.NotEmpty(second.Incremented);
        Assert.Contains(second.Incremented.Concat(second.Skipped), name => name.Contains("pg_tblspc/", StringComparison.Ordinal));

        var link = await _target.StartAsync(_target.Options with { BackupName = second.Name, TablespaceMapping = Mapping() });

        await _target.UntilSameAsync(link);
        Assert.Equal(await LedgerAsync(source.Admin), await LedgerAsync(link.Target));
        Assert.False(await TestPostgres.QueryAsync<bool>(link.Target, "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'dropped_later')"));
        await AssertSoundAsync(link.Target);
        await WalRestore.StopAsync(_target.DataDirectory);
        await source.Postgres.Local.RunAsync("pg_checksums", default, "--check", "--pgdata", _target.DataDirectory); // throws when a page is wrong
        Assert.False(Directory.Exists(Path.Combine(_target.Layout.Folder, "delta")));
    }

    private Dictionary<string, string> Mapping() => new() { [TablespaceFolder] = Path.Combine(Path.GetDirectoryName(_target.DataDirectory)!, "tablespace") };

    private string TablespaceFolder => Path.Combine(source.Postgres.Folder, "space");

    /// <summary>A full backup, and two deltas: tables that grow, shrink, vanish, come, and stay as they are.</summary>
    private async Task<(DeltaBackup.Contents First, DeltaBackup.Contents Second)> MakeChainAsync(bool withTablespace)
    {
        await source.FillAsync(20_000);
        await TestPostgres.ExecuteAsync(source.Admin, "DROP TABLE IF EXISTS ledger, shrinking, dropped_later, quiet");
        string place = string.Empty;
        if (withTablespace)
        {
            using var made = Process.Start(source.Postgres.Local.User.Command("mkdir", "-p", TablespaceFolder))!;
            await made.WaitForExitAsync();
            if (!await TestPostgres.QueryAsync<bool>(source.Admin, "SELECT EXISTS (SELECT FROM pg_tablespace WHERE spcname = 'space')"))
            {
                await TestPostgres.ExecuteAsync(source.Admin, $"CREATE TABLESPACE space LOCATION '{TablespaceFolder}'");
            }

            place = " TABLESPACE space";
        }

        await TestPostgres.ExecuteAsync(source.Admin,
            "CREATE EXTENSION IF NOT EXISTS amcheck",
            "CREATE TABLE ledger (id int PRIMARY KEY, note text)" + place,
            "INSERT INTO ledger SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 30000) i",
            "CREATE TABLE shrinking AS SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i",
            "CREATE TABLE dropped_later AS SELECT i FROM generate_series(1, 50000) i",
            "CREATE TABLE quiet AS SELECT i, md5(i::text) AS text FROM generate_series(1, 50000) i",
            "CHECKPOINT");
        var full = await source.BackUpAsync(SmallParts);
        await TestPostgres.ExecuteAsync(source.Admin,
            "UPDATE ledger SET note = 'changed' WHERE id % 1000 = 0",
            "DELETE FROM shrinking WHERE i > 4000",
            "VACUUM shrinking",
            "INSERT INTO item (body) SELECT repeat('new', 200) FROM generate_series(1, 5000)",
            "CHECKPOINT");
        var first = await DeltaBackup.MakeAsync(source.ArchiveFolder, full, await source.BackUpAsync(SmallParts));
        using var storage = ArchiveStorage.Open(source.Archive);
        var firstDelta = await BackupCatalog.FindAsync(storage, first.Name);
        await TestPostgres.ExecuteAsync(source.Admin,
            "DROP TABLE dropped_later",
            "UPDATE ledger SET note = 'changed again' WHERE id BETWEEN 100 AND 300",
            "INSERT INTO shrinking SELECT i, repeat('y', 500) FROM generate_series(1, 9000) i",
            "CREATE TABLE IF NOT EXISTS come_later AS SELECT i FROM generate_series(1, 5000) i",
            "CHECKPOINT");
        var second = await DeltaBackup.MakeAsync(source.ArchiveFolder, firstDelta, await source.BackUpAsync(SmallParts));
        await TestPostgres.ExecuteAsync(source.Admin, "UPDATE ledger SET note = 'after all backups' WHERE id = 7");
        await source.ArchiveNowAsync();
        return (first, second);
    }

    private static Task<string> LedgerAsync(PgServer server) => TestPostgres.QueryAsync<string>(server,
        """
        SELECT (SELECT md5(string_agg(id || note, ',' ORDER BY id)) FROM ledger) || (SELECT md5(string_agg(i || '', ',' ORDER BY i)) FROM shrinking)
            || (SELECT md5(string_agg(i || text, ',' ORDER BY i)) FROM quiet)
        """);

    /// <summary>Runs pg_amcheck over every table and index of a database.</summary>
    private static async Task AssertSoundAsync(PgServer server)
    {
        var found = PostgresBinaries.Find();
        var start = new ProcessStartInfo(Path.Combine(found.Folder, "pg_amcheck"),
            ["--host", server.Host, "--port", server.Port.ToString(CultureInfo.InvariantCulture), "--username", server.User, "--no-strict-names", "--jobs", "2", server.Database!])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var check = Process.Start(start)!;
        var errors = check.StandardError.ReadToEndAsync();
        string said = await check.StandardOutput.ReadToEndAsync();
        await check.WaitForExitAsync();
        Assert.True(check.ExitCode == 0, said + await errors);
    }
}
