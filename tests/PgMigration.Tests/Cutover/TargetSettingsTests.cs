namespace PgMigration.Tests;

/// <summary>What a standby's configuration would do once it is promoted is found before the app is paused.</summary>
public sealed class TargetSettingsTests(TargetSettingsTests.Servers servers) : IClassFixture<TargetSettingsTests.Servers>, IAsyncLifetime
{
    private CutoverBed Bed => servers.Bed;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await SetAsync("alter system reset all");
        await Bed.RestartTargetAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_target_that_would_begin_read_only_is_refused_with_what_to_run(bool reloaded)
    {
        await SetAsync("alter system set default_transaction_read_only = on", reloaded ? "default_transaction_read_only" : null, "on");

        var error = await RefusedAsync();

        Assert.Contains("ALTER SYSTEM SET default_transaction_read_only = off", error.Message, StringComparison.Ordinal);
        await SetAsync("alter system set default_transaction_read_only = off", "default_transaction_read_only", "off");
        await CheckAsync(IMigrationObserver.None);
    }

    [Fact]
    public async Task A_target_whose_commits_would_wait_for_standbys_that_are_not_there_is_refused()
    {
        await SetAsync("alter system set synchronous_standby_names = 'ANY 1 (replica_at_the_old_host)'", "synchronous_standby_names", "ANY 1 (replica_at_the_old_host)");

        var error = await RefusedAsync();

        Assert.Contains("every commit of the app would wait for ever", error.Message, StringComparison.Ordinal);
        Assert.Contains("ALTER SYSTEM SET synchronous_standby_names = ''", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("replica", 1, "replica")]
    [InlineData("a, \"B\"", 1, "a|B")]
    [InlineData("2 (a,b, c)", 2, "a|b|c")]
    [InlineData("FIRST 1 (a)", 1, "a")]
    [InlineData("any 2 (*)", 2, "*")]
    public void The_setting_for_synchronous_standbys_is_read_as_PostgreSQL_does(string setting, int needed, string names)
    {
        var (number, list) = TargetSettings.ReadStandbys(setting);

        Assert.Equal(needed, number);
        Assert.Equal(names.Split('|').Order(), list.Order());
    }

    [Fact]
    public async Task Settings_that_the_app_would_notice_are_told()
    {
        await SetAsync("alter system set statement_timeout = '17s'", "statement_timeout", "17s");
        var observer = new RecordedObserver();

        await CheckAsync(observer);

        Assert.Contains(observer.Warnings, warning => warning.Contains("statement_timeout (0, there 17s)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_target_that_archives_is_told_since_its_new_timeline_would_come_to_that_archive()
    {
        await SetAsync("alter system set archive_mode = on");
        await SetAsync("alter system set archive_command = 'true'");
        await Bed.RestartTargetAsync();
        var observer = new RecordedObserver();

        await CheckAsync(observer);

        Assert.Contains(observer.Warnings, warning => warning.Contains("archive_mode = on", StringComparison.Ordinal) && warning.Contains("new timeline", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_commit_that_waits_for_a_standby_is_no_proof_of_a_write_although_the_server_calls_it_one_when_its_wait_is_cancelled()
    {
        await using var session = await Bed.Host.Superuser.ConnectAsync();
        await MarkTable.CreateAsync(session, CancellationToken.None);
        await MarkTable.ClaimAsync(session, "hung", CancellationToken.None);
        try
        {
            await session.ExecuteAsync("alter system set synchronous_standby_names = 'nobody'", CancellationToken.None);
            await session.ExecuteAsync("select pg_reload_conf()", CancellationToken.None);
            await ArchivingServer.UntilAsync("the setting holds", async () => await session.ScalarAsync<string>("show synchronous_standby_names", CancellationToken.None) == "nobody");

            // commits begin to wait only when the checkpointer has read the setting too, which no view shows
            Exception? error = null;
            await ArchivingServer.UntilAsync("a commit waits", async () =>
                (error = await Record.ExceptionAsync(() => MarkTable.ProveAsync(session, "hung", TimeSpan.FromSeconds(1), CancellationToken.None))) is not null);

            Assert.Equal("CommitHangs", Assert.IsType<MigrationException>(error).ErrorId);
        }
        finally
        {
            await session.ExecuteAsync("set synchronous_commit = local", CancellationToken.None);
            await session.ExecuteAsync("alter system reset synchronous_standby_names", CancellationToken.None);
            await session.ExecuteAsync("select pg_reload_conf()", CancellationToken.None);
            await MarkTable.RemoveAsync(session, "hung", CancellationToken.None);
        }
    }

    private async Task CheckAsync(IMigrationObserver observer)
    {
        using var journal = CutoverJournal.Create(Bed.NewJournal);
        await using var context = Bed.Context(journal, observer: observer);
        await new CheckGates().DoAsync(context, CancellationToken.None);
    }

    private async Task<MigrationException> RefusedAsync()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => CheckAsync(IMigrationObserver.None));
        Assert.Equal("CutoverGateClosed", error.ErrorId);
        return error;
    }

    // A session has the setting once the server has read its files again, which it does when it likes.
    private async Task SetAsync(string sql, string? seenIn = null, string? value = null)
    {
        await using var target = await Bed.Link.Target.ConnectAsync();
        await target.ExecuteAsync(sql, CancellationToken.None);
        if (seenIn is not null)
        {
            await target.ExecuteAsync("select pg_reload_conf()", CancellationToken.None);
            await ArchivingServer.UntilAsync("the setting holds", async () => await target.ScalarAsync<string>($"show {seenIn}", CancellationToken.None) == value);
        }
    }

    public sealed class Servers : IAsyncLifetime
    {
        internal CutoverBed Bed { get; private set; } = null!;

        public async Task InitializeAsync() => Bed = await CutoverBed.CreateAsync();

        public async Task DisposeAsync() => await Bed.DisposeAsync();
    }
}
