using Npgsql;

namespace PgMigration.Tests;

[Collection(RehearsalCollection.Name)]
public sealed class RehearsalAppTests(RehearsalFixture fixture)
{
    [Fact]
    public async Task The_journal_holds_exactly_what_the_database_holds()
    {
        string file = Path.GetTempFileName();
        using var journal = new CommitJournal(file);
        await using var app = new RehearsalApp(fixture.Pooler.App, fixture.Host.App, new RehearsalAppOptions { Writers = 4, CommitsPerSecond = 300 }, journal);
        await EmptyTablesAsync();

        await app.StartAsync();
        await RunForAsync(TimeSpan.FromSeconds(1.5));
        await app.StopAsync(TimeSpan.FromSeconds(10));

        Assert.Empty(journal.Failures);
        var commits = journal.Commits;
        Assert.InRange(commits.Count, 50, 600);
        Assert.Equal(Enum.GetValues<WriterKind>().Order(), commits.Select(commit => commit.Kind).Distinct().Order());
        Assert.True(journal.Reads > 10);
        Assert.All(commits, commit => Assert.Equal((fixture.Host.App.Port, 1u), (commit.Port, commit.Timeline)));
        Assert.All(commits, commit => Assert.True(commit.SentAt <= commit.AcknowledgedAt));

        var remembered = commits.SelectMany(commit => commit.Rows).Order(Comparer<WrittenRow>.Create((a, b) => (a.Table, a.Token).CompareTo((b.Table, b.Token)))).ToList();
        Assert.Equal(remembered, await RowsAsync());
        Assert.Equal(commits.Count, File.ReadLines(file).Count(line => line.StartsWith("commit\t", StringComparison.Ordinal)));
        File.Delete(file);
    }

    [Fact]
    public async Task Seconds_of_waiting_behind_a_paused_pooler_are_no_error()
    {
        using var journal = new CommitJournal();
        await using var app = new RehearsalApp(fixture.Pooler.App, fixture.Host.App, new RehearsalAppOptions { Writers = 3, CommitsPerSecond = 100 }, journal);
        await app.StartAsync();

        await PoolerConsole.RunAsync(fixture.Pooler, "PAUSE");
        var paused = journal.Now;
        await RunForAsync(TimeSpan.FromSeconds(2.5));
        var resumed = journal.Now;
        await PoolerConsole.RunAsync(fixture.Pooler, "RESUME");
        await RunForAsync(TimeSpan.FromSeconds(0.5));
        await app.StopAsync(TimeSpan.FromSeconds(10));

        Assert.Empty(journal.Failures);
        Assert.DoesNotContain(journal.Commits, commit => commit.Pooled && commit.SentAt > paused && commit.AcknowledgedAt < resumed);
        Assert.Equal(3, journal.Commits.Where(commit => commit.Pooled && commit.AcknowledgedAt > resumed).Select(commit => commit.Writer).Distinct().Count());
    }

    [Fact]
    public async Task The_straight_writer_is_refused_comes_back_and_remembers_it()
    {
        using var journal = new CommitJournal();
        await using var app = new RehearsalApp(fixture.Pooler.App, fixture.Host.App, new RehearsalAppOptions { Writers = 3, CommitsPerSecond = 100 }, journal);
        await app.StartAsync();
        try
        {
            foreach (var table in RehearsalTable.All)
            {
                await SuperuserAsync($"REVOKE INSERT ON {table.Name} FROM {LockedDownHost.AppLogin}");
            }

            await SuperuserAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{LockedDownHost.AppLogin}'");
            await RunForAsync(TimeSpan.FromSeconds(0.6));
        }
        finally
        {
            foreach (var table in RehearsalTable.All)
            {
                await SuperuserAsync($"GRANT INSERT ON {table.Name} TO {LockedDownHost.AppLogin}");
            }
        }

        var allowed = journal.Now;
        await RunForAsync(TimeSpan.FromSeconds(0.6));
        await app.StopAsync(TimeSpan.FromSeconds(10));

        Assert.Contains(journal.Failures, failure => !failure.Pooled && failure is { IsRefusal: true, IsCertain: true, Tokens.Count: > 0 });
        Assert.Contains(journal.Failures, failure => failure.Pooled && failure.SqlState == "42501");
        Assert.Contains(journal.Commits, commit => commit.Kind == WriterKind.Straight && commit.SentAt > allowed);
    }

    private static Task RunForAsync(TimeSpan time) => Task.Delay(time); // the app's own time is what is tested, not an event

    private async Task EmptyTablesAsync()
    {
        foreach (var table in RehearsalTable.All)
        {
            await SuperuserAsync($"DELETE FROM {table.Name}");
        }
    }

    private async Task<List<WrittenRow>> RowsAsync()
    {
        var rows = new List<WrittenRow>();
        await using var connection = await fixture.Host.App.ConnectAsync();
        for (int table = 0; table < RehearsalTable.All.Count; table++)
        {
            await using var command = new NpgsqlCommand($"SELECT {RehearsalTable.All[table].IdColumn}::bigint, token FROM {RehearsalTable.All[table].Name} ORDER BY token", connection);
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                rows.Add(new WrittenRow(table, reader.GetInt64(0), reader.GetInt64(1)));
            }
        }

        return rows;
    }

    private Task SuperuserAsync(string sql) => ExecuteAsync(fixture.Host.Superuser, sql);

    private static async Task ExecuteAsync(PgServer server, string sql)
    {
        await using var connection = await server.ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
