using System.Globalization;
using System.Runtime.Versioning;
using Npgsql;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>Whole archives that WAL-G wrote are restored, and all of their WAL is replayed: tests/PgMigration.Wal.Tests/Walg/README.md.</summary>
[SupportedOSPlatform("linux")]
public sealed class WalgArchiveTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-w").FullName;

    private string DataDirectory => Path.Combine(_folder, "data");

    public void Dispose()
    {
        if (File.Exists(new RestoreLayout(DataDirectory).RecordFile))
        {
            WalRestore.StopAsync(DataDirectory, removeData: false, evenIfPromoted: true).GetAwaiter().GetResult();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [WalgArchiveFact("walg-lz4")]
    public Task An_archive_in_lz4_is_restored_with_every_row() => RestoreAsync("walg-lz4", 7713793715373976054, "0/8000000",
        "accounts|100000|22435|476506517008", "history|2000|55768|", "odd|502|100001|9960189752", "blobs|1764|2822400|48557847045", "tables|135||-2415521043");

    [WalgArchiveFact("walg-lzma")]
    public Task An_archive_in_lzma_is_restored_with_every_row() => RestoreAsync("walg-lzma", 7713793627505419861, "0/7000000",
        "accounts|100000|-252532|561469010811", "history|2000|-219199|", "odd|502|100001|9960189752", "blobs|1764|2822400|-12192778654", "tables|135||-2415521043");

    private async Task RestoreAsync(string archive, ulong cluster, string end, params string[] rows)
    {
        File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute); // for the server's OS user
        var link = await WalRestore.StartAsync(
            new WalRestoreOptions
            {
                Archive = ArchiveAccess.To(WalgArchiveFactAttribute.FolderOf(archive)!), DataDirectory = DataDirectory, Port = TestPostgres.FreePort(), Superuser = "postgres", Verify = true,
                PostgresBin = PostgresMajors.Find(15)!.Folder, ProgramFolder = await NativePrograms.FolderAsync(),
            },
            IMigrationObserver.None, CancellationToken.None);

        await ArchivingServer.UntilAsync($"all WAL of {archive} is replayed", async () => Lsn.Parse(await TestPostgres.QueryAsync<string>(link.Target, "SELECT pg_last_wal_replay_lsn()::text")) >= Lsn.Parse(end));

        Assert.Equal((long)cluster, await TestPostgres.QueryAsync<long>(link.Target, "SELECT system_identifier FROM pg_control_system()"));
        Assert.Equal(rows, await RowsAsync(link.Target));
    }

    private static async Task<List<string>> RowsAsync(PgServer server)
    {
        const string Query = """
            SELECT 'accounts', count(*), sum(abalance), sum(hashtext(a::text)::bigint) FROM public.pgbench_accounts a
            UNION ALL SELECT 'history', count(*), sum(delta), null FROM public.pgbench_history
            UNION ALL SELECT 'odd', count(*), max(id), sum(hashtext(o::text)::bigint) FROM public."Odd ""Name" o
            UNION ALL SELECT 'blobs', count(*), sum(length(body)), sum(hashtext(b::text)::bigint) FROM public.blobs b
            UNION ALL SELECT 'tables', count(*), null, sum(hashtext(relname)::bigint) FROM pg_class WHERE relkind = 'r'
            """;
        await using var session = await server.ConnectAsync();
        return [.. await session.RowsAsync(Query, row => string.Join('|', Enumerable.Range(0, 4).Select(i => row.IsDBNull(i) ? string.Empty : Convert.ToString(row.GetValue(i), CultureInfo.InvariantCulture))), CancellationToken.None)];
    }
}
