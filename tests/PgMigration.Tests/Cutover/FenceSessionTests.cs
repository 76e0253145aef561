using Npgsql;
using Npgsql.Replication;

namespace PgMigration.Tests;

/// <summary>Whom the fence ends, spares and names, and what it asks of the app's own login.</summary>
public sealed class FenceSessionTests : IAsyncLifetime
{
    private readonly RecordedObserver _observer = new();
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync(null, "max_wal_senders = 5");

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task A_session_that_is_still_starting_when_the_fence_goes_up_does_not_outlive_it()
    {
        // post_auth_delay holds a session where it has read its settings and is not in pg_stat_activity yet
        var starting = _bed.Host.App.ConnectAsync("-c post_auth_delay=2");
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            int[] before = [];
            await ArchivingServer.UntilAsync("a session is starting, and stays so: an autovacuum worker starts within a moment", async () =>
            {
                int[] now = await host.ScalarAsync<int[]>("""
                    select coalesce(array_agg(l.pid), '{}') from pg_locks l
                    where locktype = 'object' and classid = 'pg_database'::regclass and not exists (select from pg_stat_activity a where a.pid = l.pid and a.datname is not null)
                    """, CancellationToken.None);
                bool stays = now.Intersect(before).Any();
                before = now;
                return stays;
            });
        }

        await WithFenceAsync(async _ =>
        {
            try
            {
                await using var session = await starting;
                await Assert.ThrowsAnyAsync<NpgsqlException>(() => session.ExecuteAsync("select 1", CancellationToken.None));
            }
            catch (MigrationException)
            {
                // ended before its client had heard of it
            }
        });
    }

    [Fact]
    public async Task A_walsender_of_the_apps_login_is_spared()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("alter role app replication", CancellationToken.None);
        }

        var app = _bed.Host.App;
        await using var follower = new LogicalReplicationConnection($"Host={app.Host};Port={app.Port};Database={app.Database};Username={app.User};Password={app.FindPassword()}");
        await follower.Open();

        await WithFenceAsync(async _ => Assert.Equal(_bed.Host.App.Database, (await follower.IdentifySystem()).DbName));
    }

    [Fact]
    public async Task A_background_writer_is_ended_and_named_with_its_application_and_its_query()
    {
        await using var cron = await _bed.Host.App.WithApplicationName("nightly cron").ConnectAsync();
        await cron.ExecuteAsync("insert into items (who) values ('cron')", CancellationToken.None);

        await WithFenceAsync(_ => Task.CompletedTask);

        string warning = Assert.Single(_observer.Warnings);
        Assert.Contains($"process {cron.ProcessID} of app (nightly cron, 127.0.0.1), query: insert into items (who) values ('cron')", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_app_whose_own_login_still_begins_to_write_is_not_fenced()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("create role legacy login password 'old'; grant connect on database app to legacy; alter role legacy in database app set default_transaction_read_only = off", CancellationToken.None);
        }

        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        context.AppLogin = new PgServer(_bed.Host.App.Host, _bed.Host.App.Port, _bed.Host.App.Database, "legacy", "old");

        var error = await Assert.ThrowsAsync<MigrationException>(() => new FenceSource().DoAsync(context, CancellationToken.None));

        Assert.Equal("FenceIncomplete", error.ErrorId);
        Assert.Contains("A new session of legacy does not begin read-only", error.Message, StringComparison.Ordinal);
        await new FenceSource().UndoAsync(context, CancellationToken.None);
    }

    [Theory]
    [InlineData("alter role legacy set default_transaction_read_only = off")]
    [InlineData("alter role legacy in database app set default_transaction_read_only = off")]
    public async Task A_setting_of_another_role_that_beats_the_fence_is_named_or_where_we_may_fenced(string setting)
    {
        await using var host = await _bed.Host.Superuser.ConnectAsync();
        await host.ExecuteAsync($"create role legacy login; {setting}", CancellationToken.None);
        await using (var app = await _bed.Host.App.ConnectAsync())
        {
            Assert.Contains("ALTER ROLE legacy IN DATABASE app SET default_transaction_read_only = on", Assert.Single(await FenceObstacles.FindOverridesAsync(app)), StringComparison.Ordinal);
        }

        string before = await SettingsAsync(host);
        var record = await SourceFence.ReadAsync(host);
        await SourceFence.RaiseAsync(host, record);
        await using (var session = await _bed.Host.Superuser.ConnectAsync())
        {
            Assert.True(await session.ScalarAsync<bool>("select 'default_transaction_read_only=on' = any (setconfig) from pg_db_role_setting where setrole = 'legacy'::regrole and setdatabase <> 0", CancellationToken.None));
        }

        await using var lifting = await _bed.Host.Superuser.ConnectAsync("-c default_transaction_read_only=off");
        await SourceFence.LiftAsync(lifting, record);
        Assert.Equal(before, await SettingsAsync(lifting));
    }

    [Fact]
    public async Task A_target_beyond_the_position_but_on_another_history_is_not_promoted()
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        context.Learn(context.Facts with { MarkLsn = Lsn.Parse("0/1000000"), Nonce = "never written there", MarkTimeline = 1 });

        var error = await Assert.ThrowsAsync<MigrationException>(() => new DrainLink().DoAsync(context, CancellationToken.None));

        Assert.Equal("MarkMissing", error.ErrorId);
    }

    private static Task<string> SettingsAsync(NpgsqlConnection session) =>
        session.ScalarAsync<string>("select coalesce(string_agg(format('%s %s %s', setdatabase, setrole, setconfig), E'\\n' order by setdatabase, setrole), '') from pg_db_role_setting", CancellationToken.None);

    private async Task WithFenceAsync(Func<NpgsqlConnection, Task> whileFenced)
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal, observer: _observer);
        try
        {
            await new FenceSource().DoAsync(context, CancellationToken.None);
            await whileFenced(await context.SourceSessionAsync(CancellationToken.None));
        }
        finally
        {
            await new FenceSource().UndoAsync(context, CancellationToken.None);
        }
    }
}
