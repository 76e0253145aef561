namespace PgMigration.Wal;

/// <summary>What a load tells while it runs: the bar on the screen, and that it can go.</summary>
public sealed class TransferMeterTests
{
    [Fact]
    public async Task Its_bar_goes_when_the_load_has_ended_and_not_before()
    {
        var seen = new Progresses();

        await using (var meter = new TransferMeter(seen, "Restoring base_1", total: 4_000_000, done: 1_000_000))
        {
            meter.Add(3_000_000);
        }

        Assert.Equal((true, 100, "Restoring base_1"), (seen.All[^1].Completed, seen.All[^1].Percent, seen.All[^1].Activity));
        Assert.All(seen.All.SkipLast(1), progress => Assert.False(progress.Completed));
        Assert.InRange(seen.All.Count, 2, int.MaxValue);
    }

    private sealed class Progresses : IMigrationObserver
    {
        public List<MigrationProgress> All { get; } = [];

        public void Progress(MigrationProgress progress) => All.Add(progress);

        public void Warning(string message)
        {
        }

        public void Verbose(string message)
        {
        }
    }
}
