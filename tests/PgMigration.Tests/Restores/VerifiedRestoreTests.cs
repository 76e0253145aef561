using System.Globalization;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>Restores with -Verify, of a source that has data checksums.</summary>
[SupportedOSPlatform("linux")]
[Collection(ArchivingCollection.Name)]
public sealed class VerifiedRestoreTests(ArchivingServer source) : IDisposable
{
    private readonly RestoreTarget _target = new(source);

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task A_page_that_was_damaged_on_the_source_is_named_by_file_and_number()
    {
        await source.FillAsync(5_000);
        await TestPostgres.ExecuteAsync(source.Admin, "VACUUM (FREEZE, ANALYZE) item", "CHECKPOINT");
        string file = await TestPostgres.QueryAsync<string>(source.Admin, "SELECT pg_relation_filepath('item')");
        Damage(Path.Combine(source.Postgres.Local.DataDirectory, file), page: 17);
        await source.BackUpAsync();
        var watched = new Watched();

        var link = await _target.StartAsync(_target.Options with { Verify = true }, watched);

        Assert.Contains($"page 17 of {file} is wrong", Assert.Single(watched.Warnings, text => text.StartsWith("-Verify", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("1 were wrong then, and 1 are so after replay", watched.Last, StringComparison.Ordinal);
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => ArchivingServer.ChecksumAsync(link.Target)); // the server sees the same
    }

    [Fact]
    public async Task A_sound_backup_that_was_taken_under_load_has_no_finding()
    {
        await source.FillAsync(20_000);
        using var stop = new CancellationTokenSource();
        var load = Task.Run(async () =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                await TestPostgres.ExecuteAsync(source.App, string.Create(CultureInfo.InvariantCulture, $"UPDATE item SET body = body || 'x' WHERE id % 97 = {i % 97}"));
            }
        });
        await source.BackUpAsync(new BackupWriterOptions { PartSize = 4 << 20 });
        await stop.CancelAsync();
        await load;
        await source.ArchiveNowAsync();
        var watched = new Watched();

        var link = await _target.StartAsync(_target.Options with { Verify = true }, watched);

        await _target.UntilSameAsync(link);
        Assert.DoesNotContain(watched.Warnings, text => text.StartsWith("-Verify", StringComparison.Ordinal));
        Assert.Contains("0 are so after replay", watched.Last, StringComparison.Ordinal);
    }

    private static void Damage(string file, int page)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        stream.Position = (page * PageVerifier.PageSize) + 4000;
        stream.Write("damaged"u8);
    }

    private sealed class Watched : IMigrationObserver
    {
        public List<string> Warnings { get; } = [];

        public string Last { get; private set; } = string.Empty;

        public void Progress(MigrationProgress progress)
        {
        }

        public void Warning(string message)
        {
            lock (Warnings)
            {
                Warnings.Add(message);
            }
        }

        public void Verbose(string message) => Last = message.StartsWith("-Verify", StringComparison.Ordinal) ? message : Last;
    }
}
