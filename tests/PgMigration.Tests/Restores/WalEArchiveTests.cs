using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>An archive as WAL-E 1.1 leaves it, made with its own tools, tar and lzop: restored and followed on real servers.</summary>
[Collection(ArchivingCollection.Name)]
[SupportedOSPlatform("linux")]
public sealed class WalEArchiveTests(ArchivingServer source) : IDisposable
{
    private readonly RestoreTarget _target = new(source);
    private readonly string _archive = Directory.CreateTempSubdirectory("pgm-wal-e-").FullName;

    public void Dispose()
    {
        _target.Dispose();
        Directory.Delete(_archive, recursive: true);
    }

    [Fact]
    public async Task A_backup_and_wal_that_lzop_compressed_are_restored_and_followed()
    {
        await source.FillAsync(3_000);
        string backup = await BackUpAsync();
        await ArchiveNewAsync();

        var link = await _target.StartAsync(_target.Options with { Archive = ArchiveAccess.To(_archive), BackupName = backup });
        await _target.UntilSameAsync(link);

        await source.AddAsync("written while it is followed");
        await source.ArchiveNowAsync();
        await ArchiveNewAsync();
        await _target.UntilSameAsync(link);
    }

    // Names with a decimal offset, the label among the ordinary files of the last part, pg_control in no part of its own, the spec in lower case.
    private async Task<string> BackUpAsync()
    {
        string data = source.Postgres.Local.DataDirectory;
        await using var session = await source.Admin.ConnectAsync();
        var start = Lsn.Parse(await session.ScalarAsync<string>("SELECT pg_backup_start('wal-e', true)::text", CancellationToken.None));
        string segment = await session.ScalarAsync<string>("SELECT pg_walfile_name(redo_lsn) FROM pg_control_checkpoint()", CancellationToken.None);
        string name = string.Create(CultureInfo.InvariantCulture, $"base_{segment}_{start.Position % (16 << 20):00000000}");
        string parts = Directory.CreateDirectory(Path.Combine(_archive, "basebackups_005", name, "tar_partitions")).FullName;
        string leftOut = string.Join(' ', Directory.EnumerateFileSystemEntries(data).Select(entry => Path.GetFileName(entry)!).Where(entry => entry is not ("base" or "postmaster.pid" or "postmaster.opts" or "backup_label" or "pg_wal")));
        await ShellAsync($"tar --create --directory '{data}' --warning=no-file-changed base | lzop > '{parts}/part_00000000.tar.lzo'");

        var stop = (await session.RowsAsync("SELECT lsn::text, labelfile, pg_walfile_name(lsn) FROM pg_backup_stop(true)", row => (Lsn: row.GetString(0), Label: row.GetString(1), Segment: row.GetString(2)), CancellationToken.None))[0];
        await File.WriteAllTextAsync(Path.Combine(_archive, "backup_label"), stop.Label);
        await ShellAsync($"tar --create --directory '{data}' --warning=no-file-changed {leftOut} --directory '{_archive}' backup_label | lzop > '{parts}/part_00000001.tar.lzo'");
        File.Delete(Path.Combine(_archive, "backup_label"));
        await File.WriteAllTextAsync(Path.Combine(_archive, "basebackups_005", name, "extended_version.txt"), await session.ScalarAsync<string>("SELECT version()", CancellationToken.None));
        await File.WriteAllTextAsync(Path.Combine(_archive, "basebackups_005", name + "_backup_stop_sentinel.json"), string.Create(CultureInfo.InvariantCulture,
            $$"""{"wal_segment_backup_stop": "{{stop.Segment}}", "wal_segment_offset_backup_stop": "{{Lsn.Parse(stop.Lsn).Position % (16 << 20):00000000}}", "expanded_size_bytes": 30000000, "spec": {"base_prefix": "{{data}}", "tablespaces": [] } }"""));
        return name;
    }

    private async Task ArchiveNewAsync()
    {
        string wal = Directory.CreateDirectory(Path.Combine(_archive, "wal_005")).FullName;
        foreach (string file in Directory.GetFiles(Path.Combine(source.ArchiveFolder, "wal_005")).Where(file => !file.EndsWith(".new", StringComparison.Ordinal)))
        {
            string stored = Path.Combine(wal, Path.GetFileName(file) + ".lzo");
            if (!File.Exists(stored))
            {
                await ShellAsync($"lzop < '{file}' > '{_archive}/segment' && mv '{_archive}/segment' '{stored}'");
            }
        }

        await ShellAsync($"chmod -R a+rX '{_archive}'"); // for the server's OS user, whose prefetcher reads it
    }

    // tar says 1 when a file changed as it read it, as files of a running server do
    private static async Task ShellAsync(string command)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"{command}; code=(\"${{PIPESTATUS[@]}}\"); [ ${{code[0]}} -le 1 ] && [ ${{code[-1]}} -eq 0 ]"]) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        string said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{command}: {said}");
    }
}
