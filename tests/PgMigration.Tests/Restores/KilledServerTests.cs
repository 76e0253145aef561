using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>A prefetcher that is killed, and a server that is stopped at once, while they follow.</summary>
[SupportedOSPlatform("linux")]
[Collection(ArchivingCollection.Name)]
public sealed class KilledServerTests(ArchivingServer source) : IDisposable
{
    private readonly RestoreTarget _target = new(source);

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task After_a_kill_and_an_immediate_stop_segments_are_taken_from_the_servers_own_copies_and_not_from_the_archive()
    {
        await source.FillAsync(100);
        await source.BackUpAsync();
        var link = await _target.StartAsync();
        var segments = new List<string>();
        for (int i = 0; i < 5; i++)
        {
            await source.AddAsync($"{i}");
            segments.Add(await source.ArchiveNowAsync());
        }

        await _target.UntilSameAsync(link);
        using (var kill = Process.Start("kill", ["-KILL", PrefetchStatus.Read(_target.Layout)!.ProcessId.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        var server = source.Postgres.Local with { DataDirectory = _target.DataDirectory };
        await server.StopAsync("immediate");
        string hidden = Directory.CreateTempSubdirectory("pgm-hidden").FullName;
        foreach (string segment in segments[..^1])
        {
            File.Move(source.SegmentPath(segment), Path.Combine(hidden, segment));
        }

        try
        {
            await server.StartAsync();
            await _target.UntilSameAsync(link);
        }
        finally
        {
            foreach (string segment in segments[..^1])
            {
                File.Move(Path.Combine(hidden, segment), source.SegmentPath(segment));
            }

            Directory.Delete(hidden);
        }

        await source.AddAsync("and on");
        await source.ArchiveNowAsync();
        await _target.UntilSameAsync(link);
    }
}
