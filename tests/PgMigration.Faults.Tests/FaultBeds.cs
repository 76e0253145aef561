namespace PgMigration.Faults.Tests;

/// <summary>The servers that all runs of a class share, made when first asked for.</summary>
public sealed class FaultBeds : IAsyncLifetime
{
    private readonly Dictionary<int, FaultBed> _beds = [];

    public async Task InitializeAsync() => Environment.SetEnvironmentVariable("PGMIGRATION_BIN", await NativePrograms.FolderAsync());

    public async Task DisposeAsync()
    {
        foreach (var bed in _beds.Values)
        {
            await bed.DisposeAsync();
        }
    }

    internal async Task<RunResult> RunAsync(Scenario scenario, string? sabotage = null)
    {
        if (!_beds.TryGetValue(scenario.SegmentMegabytes, out var bed))
        {
            _beds[scenario.SegmentMegabytes] = bed = await FaultBed.CreateAsync(scenario.SegmentMegabytes);
        }

        return await FaultRun.RunAsync(bed, scenario, sabotage);
    }
}
