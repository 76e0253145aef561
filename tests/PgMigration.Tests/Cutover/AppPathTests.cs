using System.Globalization;

namespace PgMigration.Tests;

/// <summary>A cutover begins only where the app's path to the target is proven or accepted, and ends when the app is answered there.</summary>
public sealed class AppPathTests
{
    [Fact]
    public async Task Paths_that_cannot_be_proven_are_refused_before_the_pause_and_taken_when_they_are_accepted()
    {
        await using var bed = await CutoverBed.CreateAsync();

        // the source's address leads through the pooler
        string ini = await File.ReadAllTextAsync(bed.Pooler.ConfigurationFile);
        await ReloadAsync(bed, ini.Replace("[pgbouncer]", "[pgbouncer]\nignore_startup_parameters = options", StringComparison.Ordinal));
        var throughPooler = await Assert.ThrowsAsync<MigrationException>(() => (bed.Cutover() with { Source = bed.Pooler.App }).RunAsync(bed.NewJournal));
        Assert.Contains("of the source leads through a connection pooler", throughPooler.Message, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{bed.Host.App.Port}"), throughPooler.Message, StringComparison.Ordinal);
        await bed.WriteAsAppAsync();

        // the pooler has the app's clients, and knows none of our logins
        string users = await File.ReadAllTextAsync(Users(bed));
        await File.WriteAllTextAsync(Users(bed), users.Replace($"\"{LockedDownHost.AppLogin}\"", "\"another\"", StringComparison.Ordinal));
        await ReloadAsync(bed, ini);
        var unproven = await Assert.ThrowsAsync<MigrationException>(() => bed.Cutover().RunAsync(bed.NewJournal));
        Assert.Equal("CutoverNotBegun", unproven.ErrorId);
        Assert.Contains("-Accept PoolerLoginNotProven", unproven.Message, StringComparison.Ordinal);

        // the same, accepted; the clients can log in again when they are led to the target
        var observer = new RecordedObserver();
        var cutover = bed.Cutover(observer);
        var report = await (cutover with { Options = cutover.Options with { Accept = ["PoolerLoginNotProven"] } }).RunAsync(bed.NewJournal);
        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.Contains("not proven", report.Steps.Single(step => step.Step == nameof(ResumeApp)).Proof, StringComparison.Ordinal);
        Assert.Contains(observer.Warnings, warning => warning.StartsWith("PoolerLoginNotProven was accepted", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Client_that_is_left_on_the_old_server_is_named_and_the_app_is_answered_by_the_new_one()
    {
        await using var bed = await CutoverBed.CreateAsync();
        await using var other = await bed.StartPoolerAsync("other"); // nobody has named it
        using var stop = new CancellationTokenSource();
        var left = ReadAsync(other.App.WithApplicationName("left"), stop.Token);
        var observer = new RecordedObserver();

        var report = await bed.Cutover(observer).RunAsync(bed.NewJournal);

        await stop.CancelAsync();
        await left;
        Assert.Contains("was answered by the server there", report.Steps.Single(step => step.Step == nameof(ResumeApp)).Proof, StringComparison.Ordinal);
        Assert.Contains(observer.Warnings, warning => warning.Contains("although the app was led away from it", StringComparison.Ordinal) && warning.Contains("left", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Undo_that_the_pooler_does_not_confirm_is_not_over_and_can_be_run_again()
    {
        await using var bed = await CutoverBed.CreateAsync();
        string journal = bed.NewJournal;
        var cutover = bed.Cutover() with { App = new PgBouncerApp(bed.Pooler.Admin, bed.Host.App.Database, bed.Pooler.ConfigurationFile) { AnswersWithin = TimeSpan.FromMilliseconds(300) } };
        await (cutover with { Options = cutover.Options with { Until = nameof(PauseApp), LeaveAppPaused = true } }).RunAsync(journal);
        string ini = await File.ReadAllTextAsync(bed.Pooler.ConfigurationFile);
        await ReloadAsync(bed, ini.Replace($"port={bed.Host.App.Port}", "port=1", StringComparison.Ordinal)); // by hand, by mistake

        var error = await Assert.ThrowsAsync<MigrationException>(() => (cutover with { Options = cutover.Options with { UndoTimeout = TimeSpan.FromSeconds(1) } }).UndoAsync(journal));

        Assert.Equal("CutoverUndoFailed", error.ErrorId);
        Assert.Contains("is not answered by 127.0.0.1:1", error.Message, StringComparison.Ordinal);
        await ReloadAsync(bed, ini);
        Assert.Equal(CutoverOutcome.BackOnSource, (await bed.Cutover().UndoAsync(journal)).Outcome);
        await bed.WriteAsAppAsync();
    }

    private static string Users(CutoverBed bed) => Path.Combine(Path.GetDirectoryName(bed.Pooler.ConfigurationFile)!, "pooler-users.txt");

    private static async Task ReloadAsync(CutoverBed bed, string ini)
    {
        await File.WriteAllTextAsync(bed.Pooler.ConfigurationFile, ini);
        await PoolerConsole.RunAsync(bed.Pooler, "RELOAD");
    }

    // A client that comes again whenever it is thrown out.
    private static async Task ReadAsync(PgServer server, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await using var session = await server.ConnectAsync(CancellationToken.None);
                while (!stop.IsCancellationRequested)
                {
                    await session.ScalarAsync<int>("select 1", CancellationToken.None);
                    await Task.Delay(5, CancellationToken.None); // it rests, as clients do
                }
            }
            catch (Exception error) when (error is Npgsql.NpgsqlException or MigrationException)
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }
    }
}
