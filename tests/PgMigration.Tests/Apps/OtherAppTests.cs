namespace PgMigration.Tests;

/// <summary>A cutover is resumed and undone with the app that it paused: with another one the paused app would stay paused.</summary>
public sealed class OtherAppTests : IDisposable
{
    private readonly string _ini = Path.GetTempFileName();

    public void Dispose() => File.Delete(_ini);

    [Theory]
    [InlineData("127.0.0.1", 6432, "shop", true)]
    [InlineData("localhost", 6432, "shop", true)]
    [InlineData("127.0.0.1", 6433, "shop", false)]
    [InlineData("192.0.2.1", 6432, "shop", false)]
    [InlineData("127.0.0.1", 6432, "shop_reports", false)]
    public async Task Another_pooler_and_another_entry_are_not_taken_for_the_one_that_was_paused(string host, int port, string entry, bool same)
    {
        await File.WriteAllTextAsync(_ini, "[databases]\nshop = host=old\nshop_reports = host=old dbname=shop\n");
        string state = (await App("127.0.0.1", 6432, "shop").RememberAsync())!;

        var error = Record.Exception(() => App(host, port, entry).Recall(state));

        if (same)
        {
            Assert.Null(error);
            return;
        }

        Assert.Equal("OtherApp", Assert.IsType<MigrationException>(error).ErrorId);
        Assert.Contains("'shop' of the PgBouncer at 127.0.0.1:6432", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_journal_of_an_older_version_remembers_is_taken_as_it_is() =>
        App("127.0.0.1", 6432, "shop").Recall("""{"Host":"old","Port":5432,"Database":"shop"}""");

    [Fact]
    public async Task An_app_that_remembers_nothing_is_not_taken_for_one_of_another_kind()
    {
        await using var bed = await CutoverBed.CreateAsync();
        string journal = bed.NewJournal;
        var silent = new SilentApp();
        var cutover = bed.Cutover() with { App = silent };
        await (cutover with { Options = cutover.Options with { Until = nameof(PauseApp), LeaveAppPaused = true } }).RunAsync(journal);

        var error = await Assert.ThrowsAsync<MigrationException>(() => bed.Cutover().UndoAsync(journal));

        Assert.Equal("OtherApp", error.ErrorId);
        Assert.True(silent.IsPaused);
        Assert.Equal(CutoverOutcome.BackOnSource, (await cutover.UndoAsync(journal)).Outcome);
        Assert.False(silent.IsPaused);
    }

    private PgBouncerApp App(string host, int port, string entry) => new(new PgServer(host, port, "pgbouncer", "boss"), entry, _ini);

    private sealed class SilentApp : MigrationApp
    {
        public override string Kind => "Silent";

        public bool IsPaused { get; private set; }

        public override Task CheckAsync(PgServer source, CancellationToken cancel = default) => Task.CompletedTask;

        public override Task PauseAsync(CancellationToken cancel = default)
        {
            IsPaused = true;
            return Task.CompletedTask;
        }

        public override Task RepointAsync(PgServer server, CancellationToken cancel = default) => Task.CompletedTask;

        public override Task ResumeAsync(CancellationToken cancel = default)
        {
            IsPaused = false;
            return Task.CompletedTask;
        }
    }
}
