using Npgsql;

namespace PgMigration.Tests;

/// <summary>Each way in which a fence was seen to leak.</summary>
public sealed class FenceTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync()
    {
        _bed = await CutoverBed.CreateAsync("create table other (id int)", "max_prepared_transactions = 5");
        await using var host = await _bed.Host.Superuser.ConnectAsync();
        await host.ExecuteAsync("create role stranger login; grant connect on database app to stranger; grant usage on schema public to stranger; grant insert on items to stranger; grant usage on sequence items_id_seq to stranger", CancellationToken.None);
    }

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task A_prepared_statement_in_an_open_transaction_writes_no_more_once_the_fence_is_proven()
    {
        await using var writer = await _bed.Host.App.ConnectAsync();
        await writer.ExecuteAsync("prepare add as insert into items (who) values ('prepared'); begin; execute add", CancellationToken.None);

        await WithFenceAsync(async _ =>
        {
            var error = await Assert.ThrowsAnyAsync<NpgsqlException>(() => writer.ExecuteAsync("execute add; commit", CancellationToken.None));
            Assert.True(error is PostgresException { SqlState: PostgresErrorCodes.AdminShutdown } or not PostgresException, error.Message);
        });

        Assert.Equal(0, await CountAsync("prepared"));
    }

    [Fact]
    public async Task A_session_that_overrides_read_only_is_refused_by_missing_rights()
    {
        await WithFenceAsync(async _ =>
        {
            await using var writer = await _bed.Host.App.ConnectAsync("-c default_transaction_read_only=off");
            foreach (string sql in (string[])
                [
                    "begin read write; insert into items (who) values ('rogue'); commit",
                    "insert into items (who) values ('rogue')", "update items set who = 'rogue'", "delete from items", "truncate other",
                    "select nextval('items_id_seq')", "copy items (who) from program 'echo rogue'", "create table mine (id int)",
                ])
            {
                var refused = await Assert.ThrowsAsync<PostgresException>(() => writer.ExecuteAsync(sql, CancellationToken.None));
                Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
                await writer.ExecuteAsync("rollback", CancellationToken.None);
            }
        });
    }

    [Fact]
    public async Task A_setting_of_the_role_that_beats_the_databases_does_not_beat_the_fence()
    {
        await using (var owner = await _bed.Host.App.ConnectAsync())
        {
            await owner.ExecuteAsync("alter role app set default_transaction_read_only = off; alter role app in database app set default_transaction_read_only = off", CancellationToken.None);
        }

        await WithFenceAsync(async _ =>
        {
            await using var writer = await _bed.Host.App.ConnectAsync();
            Assert.Equal("on", await writer.ScalarAsync<string>("show transaction_read_only", CancellationToken.None));
        });
        await using var after = await _bed.Host.Superuser.ConnectAsync();
        Assert.Equal(2, await after.ScalarAsync<long>("select count(*) from pg_db_role_setting where 'default_transaction_read_only=off' = any (setconfig)", CancellationToken.None));
    }

    [Fact]
    public async Task A_large_object_is_fenced_too()
    {
        await using var owner = await _bed.Host.App.ConnectAsync();
        uint large = await owner.ScalarAsync<uint>("select lo_from_bytea(0, 'before')", CancellationToken.None);

        await WithFenceAsync(async _ =>
        {
            await using var writer = await _bed.Host.App.ConnectAsync("-c default_transaction_read_only=off");
            var refused = await Assert.ThrowsAsync<PostgresException>(() => writer.ExecuteAsync($"select lo_put({large}, 0, 'after')", CancellationToken.None));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        });
        await using var again = await _bed.Host.App.ConnectAsync();
        await again.ExecuteAsync($"select lo_put({large}, 0, 'after')", CancellationToken.None);
    }

    [Fact]
    public async Task A_subscription_that_writes_on_the_source_is_an_obstacle_that_names_itself()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("create subscription feed connection 'host=127.0.0.1 port=1' publication p with (connect = false)", CancellationToken.None);
            await using var before = await _bed.Host.App.ConnectAsync();
            Assert.Empty(await FenceObstacles.FindAsync(before));
            await host.ExecuteAsync("alter subscription feed enable", CancellationToken.None);
        }

        await using var session = await _bed.Host.App.ConnectAsync();

        Assert.Contains("ALTER SUBSCRIPTION feed DISABLE", Assert.Single(await FenceObstacles.FindAsync(session)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_open_transaction_of_another_role_stops_the_cutover_and_is_named()
    {
        // by the socket rules only the host's superuser comes in; a stranger's transaction is one under its name
        await using var stranger = await _bed.Host.Superuser.ConnectAsync();
        await stranger.ExecuteAsync("set session authorization stranger; begin; insert into items (who) values ('stranger')", CancellationToken.None);

        var error = await Assert.ThrowsAsync<MigrationException>(() => WithFenceAsync(_ => Task.CompletedTask));

        Assert.Equal("FenceIncomplete", error.ErrorId);
        Assert.Contains($"process {stranger.ProcessID}", error.Message, StringComparison.Ordinal);
        Assert.Contains("pg_terminate_backend", error.Message, StringComparison.Ordinal);
        Assert.Contains("items", error.Message, StringComparison.Ordinal);
        await stranger.ExecuteAsync("rollback", CancellationToken.None);
    }

    [Fact]
    public async Task A_writer_that_reconnects_in_a_loop_does_not_hold_the_fence_up()
    {
        using var stop = new CancellationTokenSource();
        var rogue = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await using var session = await _bed.Host.App.ConnectAsync("-c default_transaction_read_only=off");
                    await session.ExecuteAsync("insert into items (who) values ('loop')", CancellationToken.None);
                }
                catch (Exception error) when (error is NpgsqlException or MigrationException)
                {
                    // cut off or refused: it comes back
                }
            }
        });

        await WithFenceAsync(async session =>
        {
            long before = await session.ScalarAsync<long>("select count(*) from items", CancellationToken.None);
            await Task.Delay(300); // the time in which it tries, not a wait for something
            Assert.Equal(before, await session.ScalarAsync<long>("select count(*) from items", CancellationToken.None));
        });
        await stop.CancelAsync();
        await rogue;
    }

    [Fact]
    public async Task A_table_of_somebody_else_that_the_app_may_write_is_an_obstacle()
    {
        await using var host = await _bed.Host.Superuser.ConnectAsync();
        await host.ExecuteAsync("create role vendor; create table vendor_data (id int); alter table vendor_data owner to vendor; grant insert on vendor_data to app", CancellationToken.None);
        await using var session = await _bed.Host.App.ConnectAsync();

        var obstacles = await FenceObstacles.FindAsync(session);

        Assert.Contains(obstacles, each => each.StartsWith("app may INSERT public.vendor_data (table, owner vendor", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_schema_in_which_another_role_may_create_is_an_obstacle()
    {
        await using var host = await _bed.Host.Superuser.ConnectAsync();
        await host.ExecuteAsync("create role tenant login; create schema theirs authorization tenant", CancellationToken.None);
        await using var session = await _bed.Host.App.ConnectAsync();

        Assert.Contains(await FenceObstacles.FindAsync(session), each => each.StartsWith("tenant may CREATE theirs (schema", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_chain_of_grantors_is_given_back_in_the_order_in_which_it_was_granted()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("""
                create role zzz; create role aaa; create role mmm; grant zzz, aaa to app;
                set role app; grant insert on items to zzz with grant option; set role zzz; grant insert on items to aaa with grant option;
                set role aaa; grant insert on items to mmm; reset role
                """, CancellationToken.None);
        }

        await WithFenceAsync(_ => Task.CompletedTask);

        await using var after = await _bed.Host.Superuser.ConnectAsync();
        Assert.True(await after.ScalarAsync<bool>("select has_table_privilege('mmm', 'items', 'insert') and exists (select from aclexplode((select relacl from pg_class where oid = 'items'::regclass)) where grantor = 'aaa'::regrole)", CancellationToken.None));
    }

    [Fact]
    public async Task A_right_that_could_not_be_given_back_is_found_before_anything_is_taken()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("""
                create schema s authorization app; create role g; grant g to app; create role r2; grant usage on schema s to g;
                set role app; create table s.t (a int); grant insert on s.t to g with grant option; set role g; grant insert on s.t to r2;
                set role app; revoke usage on schema s from g; reset role
                """, CancellationToken.None);
        }

        await using var session = await _bed.Host.App.ConnectAsync();
        var error = await Assert.ThrowsAsync<MigrationException>(() => SourceFence.TryAsync(session));

        Assert.Equal("FenceNotLiftable", error.ErrorId);
        await session.ExecuteAsync("insert into s.t values (1)", CancellationToken.None);
    }

    [Fact]
    public async Task A_role_with_a_columns_right_only_is_fenced_too()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("create role colonly; set role app; grant update (who) on items to colonly; reset role", CancellationToken.None);
        }

        await WithFenceAsync(async session =>
            Assert.False(await session.ScalarAsync<bool>("select has_any_column_privilege('colonly', 'items', 'update')", CancellationToken.None)));
        await using var after = await _bed.Host.App.ConnectAsync();
        Assert.True(await after.ScalarAsync<bool>("select has_column_privilege('colonly', 'items', 'who', 'update')", CancellationToken.None));
    }

    [Theory]
    [InlineData("begin read write; create temporary table mine (id int); commit", null)]
    [InlineData("begin read write; alter table items add column more int; commit", "relation items")]
    [InlineData("begin read write; select lo_create(0); commit", "large object")]
    public async Task What_an_owner_makes_behind_the_mark_is_found_before_the_promotion(string sql, string? found)
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        await MarkTable.CreateAsync(await context.SourceSessionAsync(default), default);
        await new MarkSource().DoAsync(context, default);
        await using var owner = await _bed.Host.Superuser.ConnectAsync("-c default_transaction_read_only=on");
        await owner.ExecuteAsync($"set role app; {sql}", CancellationToken.None);

        if (found is null)
        {
            Assert.Equal("nothing made, changed or dropped since on the source", await SinceTheMark.ProveUntouchedAsync(context, default));
        }
        else
        {
            var error = await Assert.ThrowsAsync<MigrationException>(() => SinceTheMark.ProveUntouchedAsync(context, default));
            Assert.Equal("SourceWrittenAfterMark", error.ErrorId);
            Assert.Contains(found, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_was_frozen_two_billion_transactions_ago_is_not_taken_for_made_behind_the_mark()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("vacuum freeze", CancellationToken.None);
        }

        // A number at the start of a file of pg_xact, which the server then makes by itself.
        await _bed.Host.StopAsync();
        await _bed.Host.Local.RunAsync("pg_resetwal", CancellationToken.None, "--force", "--pgdata", _bed.Host.Local.DataDirectory, "--next-transaction-id", "2999975936");
        await _bed.Host.Local.StartAsync();
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        await MarkTable.CreateAsync(await context.SourceSessionAsync(default), default);
        await new MarkSource().DoAsync(context, default);

        Assert.Equal("nothing made, changed or dropped since on the source", await SinceTheMark.ProveUntouchedAsync(context, default));

        await using var owner = await _bed.Host.App.ConnectAsync();
        await owner.ExecuteAsync("alter table items add column more int", CancellationToken.None);
        Assert.Equal("SourceWrittenAfterMark", (await Assert.ThrowsAsync<MigrationException>(() => SinceTheMark.ProveUntouchedAsync(context, default))).ErrorId);
    }

    [Fact]
    public async Task A_table_that_its_owner_drops_behind_the_fence_keeps_nothing_else_fenced()
    {
        await WithFenceAsync(async _ =>
        {
            await using var owner = await _bed.Host.App.ConnectAsync("-c default_transaction_read_only=off");
            await owner.ExecuteAsync("drop table other", CancellationToken.None);
        });

        await using var writer = await _bed.Host.App.ConnectAsync();
        await writer.ExecuteAsync("insert into items (who) values ('after'); create table other (id int)", CancellationToken.None);
        Assert.Equal(1, await CountAsync("after"));
    }

    [Fact]
    public async Task Somebodys_object_in_our_schema_does_not_keep_the_source_claimed()
    {
        await using var session = await _bed.Host.App.ConnectAsync();
        await MarkTable.CreateAsync(session, default);
        await MarkTable.ClaimAsync(session, "mine", default);
        await session.ExecuteAsync("create table pgmigration.theirs (id int)", CancellationToken.None);

        await MarkTable.RemoveAsync(session, "mine", default);

        Assert.Null(await MarkTable.FindOtherAsync(session, "next", default));
        Assert.True(await session.ScalarAsync<bool>("select to_regclass('pgmigration.theirs') is not null", CancellationToken.None));
    }

    private async Task WithFenceAsync(Func<NpgsqlConnection, Task> whileFenced)
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal, new CutoverOptions { FenceTimeout = TimeSpan.FromSeconds(2) });
        var fence = new FenceSource();
        try
        {
            await fence.DoAsync(context, CancellationToken.None);
            await whileFenced(await context.SourceSessionAsync(CancellationToken.None));
        }
        finally
        {
            await fence.UndoAsync(context, CancellationToken.None);
        }
    }

    private async Task<long> CountAsync(string who)
    {
        await using var session = await _bed.Host.App.ConnectAsync();
        return await session.ScalarAsync<long>("select count(*) from items where who = @who", CancellationToken.None, new NpgsqlParameter<string>("who", who));
    }
}
