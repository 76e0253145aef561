using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>Restores whose process is killed with SIGKILL.</summary>
[SupportedOSPlatform("linux")]
[Collection(ArchivingCollection.Name)]
public sealed class KilledRestoreTests(ArchivingServer source) : IDisposable
{
    private static readonly BackupWriterOptions SmallParts = new() { PartSize = 1 << 20 };

    // a load of a small cluster is over within a second: it must be caught in the act
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(2);

    private readonly RestoreTarget _target = new(source);
    private readonly RestoreTarget _untouched = new(source);

    public void Dispose()
    {
        _target.Dispose();
        _untouched.Dispose();
    }

    [Fact]
    public async Task A_load_that_is_killed_again_and_again_ends_byte_identical()
    {
        await source.FillAsync(20_000);
        string backup = (await source.BackUpAsync(SmallParts)).Name;
        using (var whole = new RunnerProcess("load", source.ArchiveFolder, backup, _untouched.DataDirectory))
        {
            await whole.SucceedAsync();
        }

        int kills = 0;
        for (int parts = 1; parts <= 5; parts += 2)
        {
            using var runner = new RunnerProcess("load", source.ArchiveFolder, backup, _target.DataDirectory);
            await ArchivingServer.UntilAsync($"{parts} parts more are done", () => Task.FromResult(runner.HasExited || _target.PartsDone() >= parts), every: Often);
            await runner.KillAsync();
            kills += BackupLoader.IsLoaded(_target.Layout) ? 0 : 1;
        }

        Assert.True(kills >= 2, "the loads were too quick to be killed");
        using (var last = new RunnerProcess("load", source.ArchiveFolder, backup, _target.DataDirectory))
        {
            await last.SucceedAsync();
        }

        Assert.Equal(_untouched.Hashes(), _target.Hashes());
    }

    [Fact]
    public async Task A_load_that_is_killed_at_random_moments_ends_byte_identical()
    {
        await source.FillAsync(30_000);
        string backup = (await source.BackUpAsync(SmallParts)).Name;
        using (var whole = new RunnerProcess("load", source.ArchiveFolder, backup, _untouched.DataDirectory))
        {
            await whole.SucceedAsync();
        }

        long size = Size(_untouched.DataDirectory);
        int seed = Environment.TickCount;
        var random = new Random(seed);
        int kills = 0;
        foreach (double share in Enumerable.Range(0, 8).Select(_ => random.NextDouble()).Order())
        {
            using var runner = new RunnerProcess("load", source.ArchiveFolder, backup, _target.DataDirectory);
            await ArchivingServer.UntilAsync($"so much is on disk (seed {seed})", () => Task.FromResult(runner.HasExited || Size(_target.DataDirectory) >= size * share), every: Often);
            kills += runner.HasExited ? 0 : 1;
            await runner.KillAsync();
        }

        Assert.True(kills >= 3, "the loads were too quick to be killed");
        using (var last = new RunnerProcess("load", source.ArchiveFolder, backup, _target.DataDirectory))
        {
            await last.SucceedAsync();
        }

        Assert.Equal(_untouched.Hashes(), _target.Hashes());
    }

    [Fact]
    public async Task A_restore_that_is_killed_while_it_loads_goes_on_in_the_next_run()
    {
        await source.FillAsync(20_000);
        await source.BackUpAsync(SmallParts);
        await source.ArchiveNowAsync();
        _target.MakeReachable();
        using (var runner = new RunnerProcess("start", source.ArchiveFolder, _target.DataDirectory, _target.PortText, await NativePrograms.FolderAsync()))
        {
            await ArchivingServer.UntilAsync("two parts are done", () => Task.FromResult(runner.HasExited || _target.PartsDone() >= 2), every: Often);
            Assert.False(runner.HasExited);
            await runner.KillAsync();
        }

        Assert.False(BackupLoader.IsLoaded(_target.Layout));
        await source.BackUpAsync(SmallParts); // a newer one must not confuse the run that goes on

        var link = await _target.StartAsync();

        Assert.Equal(await ArchivingServer.ChecksumAsync(source.App), await ArchivingServer.ChecksumAsync(link.Target));
    }

    // reserved blocks count as well, so a kill can come before anything is in them
    private static long Size(string directory)
    {
        try
        {
            return new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return 0; // not there yet, or just being replaced: looked at again
        }
    }
}
