using Npgsql;

namespace PgMigration.Tests;

/// <summary>What a fence could not hold is known before anything is touched, and what is advised works when it is followed.</summary>
public sealed class FenceObstacleTests(FenceObstacleTests.Host fixture) : IClassFixture<FenceObstacleTests.Host>
{
    private CutoverBed Bed => fixture.Bed;

    [Fact]
    public Task A_login_that_may_become_a_superuser_is_an_obstacle() => WithAsync(
        "create role boss superuser; create role crew; grant boss to crew; grant crew to app", "drop role boss, crew", async app =>
        {
            string obstacle = Assert.Single(await FenceObstacles.FindAsync(app));
            Assert.StartsWith("app may become the superuser boss", obstacle, StringComparison.Ordinal);
            await FollowAsync(obstacle, "REVOKE boss FROM crew");
            Assert.Empty(await FenceObstacles.FindAsync(app));
        });

    [Theory]
    [InlineData("alter database app set lo_compat_privileges = on", "ALTER DATABASE app SET lo_compat_privileges = off")]
    [InlineData("alter role stranger set lo_compat_privileges = on", "ALTER ROLE stranger SET lo_compat_privileges = off")]
    public Task A_setting_that_lets_everybody_write_large_objects_is_an_obstacle(string set, string advice) => WithAsync(
        $"create role stranger; {set}; set role app; select lo_create(4711); reset role",
        "drop role stranger; alter database app reset lo_compat_privileges; select lo_unlink(4711)", async app =>
        {
            await using var fresh = await Bed.Host.App.ConnectAsync();
            string obstacle = Assert.Single(await FenceObstacles.FindAsync(fresh));
            Assert.Contains("lo_compat_privileges is on", obstacle, StringComparison.Ordinal);
            await FollowAsync(obstacle, advice);
            await using var after = await Bed.Host.App.ConnectAsync();
            Assert.Empty(await FenceObstacles.FindAsync(after));
        });

    [Fact]
    public Task A_database_of_the_hosts_own_is_cut_over_from_by_the_login_that_owns_its_tables() => WithAsync(
        "alter database app owner to hostadmin; grant connect, create on database app to app", "drop schema if exists pgmigration cascade; alter database app owner to app", async app =>
        {
            string obstacle = Assert.Single(await FenceObstacles.FindAsync(app));
            Assert.StartsWith("app may CREATE app (database, owner hostadmin", obstacle, StringComparison.Ordinal);
            Assert.DoesNotContain("GRANT", obstacle, StringComparison.Ordinal); // of a superuser nobody should be made a member
            await FollowAsync(obstacle, "CREATE SCHEMA pgmigration AUTHORIZATION app");
            await FollowAsync(obstacle, "REVOKE CREATE ON DATABASE app FROM app");

            Assert.Empty(await FenceObstacles.FindAsync(app));
            Assert.True(await MarkTable.MayCreateAsync(app, default));
            await SourceFence.TryAsync(app);
            await MarkTable.CreateAsync(app, default);
            await MarkTable.RemoveAsync(app, "none", default);
            await MarkTable.CreateAsync(app, default); // the schema, which it could not make again, is still there
        });

    [Fact]
    public Task A_database_without_a_place_for_the_mark_says_how_to_make_one() => WithAsync(
        "alter database app owner to hostadmin; grant connect on database app to app", "drop schema if exists pgmigration cascade; alter database app owner to app", async app =>
        {
            using var journal = CutoverJournal.Create(Bed.NewJournal);
            await using var context = Bed.Context(journal);
            string refused = (await Assert.ThrowsAsync<MigrationException>(() => CheckGates.CheckSourceAsync(context, default))).Message;
            await FollowAsync(refused, "CREATE SCHEMA pgmigration AUTHORIZATION app");
            await CheckGates.CheckSourceAsync(context, default);
        });

    [Theory]
    [InlineData("create role owner_; alter database app owner to owner_; grant connect on database app to app; alter schema public owner to pg_database_owner", "GRANT owner_ TO app")]
    [InlineData("create role owner_; alter database app owner to owner_; grant connect on database app to app; grant owner_ to app; alter role app noinherit; alter schema public owner to owner_", "ALTER ROLE app INHERIT")]
    public Task A_login_that_lacks_a_role_or_does_not_inherit_it_is_told_what_works(string setUp, string advice) => WithAsync(
        setUp, "alter role app inherit; alter database app owner to app; reassign owned by owner_ to app; alter schema public owner to pg_database_owner; drop role owner_", async app =>
        {
            var obstacles = await FenceObstacles.FindAsync(app);
            Assert.All(obstacles, each => Assert.Contains(advice, each, StringComparison.Ordinal));
            await FollowAsync(obstacles[0], advice);
            await using var fresh = await Bed.Host.App.ConnectAsync();
            Assert.Empty(await FenceObstacles.FindAsync(fresh));
            await SourceFence.TryAsync(fresh);
        });

    [Fact]
    public Task An_event_trigger_that_fails_behind_the_fence_is_named() => WithAsync(
        """
        set role app; create table ddl_audit (tag text); reset role;
        create function audit() returns event_trigger language plpgsql as $$ begin insert into public.ddl_audit values (tg_tag); end $$;
        create event trigger audits on ddl_command_end execute function audit()
        """, "drop event trigger audits; drop function audit(); drop table ddl_audit", async app =>
        {
            var error = await Assert.ThrowsAsync<MigrationException>(() => SourceFence.TryAsync(app));
            Assert.Contains("Event trigger audits fires", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("grant option", error.Message, StringComparison.Ordinal);
            await FollowAsync(error.Message, "ALTER EVENT TRIGGER audits DISABLE");
            await SourceFence.TryAsync(app);
        });

    [Fact]
    public Task A_view_that_comes_first_keeps_no_write_from_being_tried() => WithAsync(
        "set role app; create schema aa; create view aa.report as select who, count(*) from public.items group by 1; create table aa.routed (id int); create rule r as on delete to aa.routed do instead nothing; reset role",
        "drop schema aa cascade", async app =>
        {
            await SourceFence.TryAsync(app);
            await FenceAsync(proof => Assert.Contains("a write to public.items in a new session was refused", proof, StringComparison.Ordinal));
        });

    [Fact]
    public Task A_right_that_went_to_a_superuser_by_anothers_grant_option_comes_back() => WithAsync(
        "create role su superuser; create role clerk; grant clerk to app; set role app; grant update on items to clerk with grant option; set role clerk; grant update on items to su; reset role",
        "drop owned by clerk, su; drop role clerk, su", async app =>
        {
            const string Sql = "select string_agg(a.grantor::regrole || ' ' || a.grantee::regrole || ' ' || a.privilege_type, ', ' order by 1) from pg_class c, aclexplode(c.relacl) a where c.oid = 'items'::regclass";
            string before = await app.ScalarAsync<string>(Sql, CancellationToken.None);
            await FenceAsync(_ => { });
            await using var after = await Bed.Host.App.ConnectAsync();
            Assert.Contains("clerk su UPDATE", before, StringComparison.Ordinal);
            Assert.Equal(before, await after.ScalarAsync<string>(Sql, CancellationToken.None));
        });

    [Fact]
    public Task Only_what_DMS_writes_itself_is_spared_and_only_for_DMS() => WithAsync(
        "set role app; create table awsdms_orders (id int); create table awsdms_ddl_audit (c_key bigserial); reset role", "drop table awsdms_orders, awsdms_ddl_audit", async app =>
        {
            async Task<List<string>> FencedAsync(params string[] spared) => [.. (await SourceFence.ReadAsync(app, default, spared)).Grants.SelectMany(grant => grant.Objects).Where(name => name.Contains("awsdms", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];

            Assert.Equal(["public.awsdms_ddl_audit", "public.awsdms_ddl_audit_c_key_seq", "public.awsdms_orders"], await FencedAsync());
            Assert.Equal(["public.awsdms_orders"], await FencedAsync("dms"));
        });

    [Fact]
    public Task Functions_that_write_with_a_superusers_rights_are_named_and_where_we_may_fenced() => WithAsync(
        """
        create function add_item(t text, int[]) returns text language sql security definer as $$ insert into public.items (who) values (t) returning who $$;
        create function fires() returns trigger language plpgsql security definer as $$ begin return new; end $$;
        create function looks() returns bigint language sql stable security definer as $$ select count(*) from public.items $$;
        set role app; select lo_create(4712); reset role
        """, "drop function add_item, fires, looks; select lo_unlink(4712)", async app =>
        {
            const string Call = "select public.add_item('definer', null)";
            Assert.Empty(await FenceObstacles.FindAsync(app)); // a host's own functions are no reason not to begin
            var gaps = await FenceObstacles.FindGapsAsync(app);
            Assert.Equal(2, gaps.Count);
            Assert.Contains(gaps, gap => gap.EndsWith("REVOKE EXECUTE ON ROUTINE public.add_item(pg_catalog.text, pg_catalog._int4) FROM PUBLIC", StringComparison.Ordinal));
            Assert.Contains(gaps, gap => gap.StartsWith("1 large object(s)", StringComparison.Ordinal) && gap.EndsWith("REVOKE EXECUTE ON ROUTINE pg_catalog.lo_unlink(pg_catalog.oid) FROM PUBLIC", StringComparison.Ordinal));
            await SourceFence.TryAsync(app);

            await using var host = await Bed.Host.Superuser.ConnectAsync("-c default_transaction_read_only=off");
            await SourceFence.TryAsync(host);
            var record = await SourceFence.ReadAsync(host);
            await SourceFence.RaiseAsync(host, record);
            try
            {
                foreach (string sql in (string[])[Call, "select lo_unlink(4712)"])
                {
                    Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, (await Assert.ThrowsAsync<PostgresException>(() => app.ExecuteAsync(sql, CancellationToken.None))).SqlState);
                }
            }
            finally
            {
                await SourceFence.LiftAsync(host, record);
            }

            await SourceFence.ProveLiftedAsync(host, record);
            await app.ExecuteAsync(Call, CancellationToken.None);
        });

    private async Task FenceAsync(Action<string> proven)
    {
        using var journal = CutoverJournal.Create(Bed.NewJournal);
        await using var context = Bed.Context(journal);
        try
        {
            proven(await new FenceSource().DoAsync(context, CancellationToken.None));
        }
        finally
        {
            await new FenceSource().UndoAsync(context, CancellationToken.None);
        }
    }

    private async Task FollowAsync(string said, string advice)
    {
        Assert.Contains(advice, said, StringComparison.Ordinal);
        await using var host = await Bed.Host.Superuser.ConnectAsync();
        await host.ExecuteAsync(advice, CancellationToken.None);
    }

    private async Task WithAsync(string setUp, string tearDown, Func<NpgsqlConnection, Task> act)
    {
        await using var host = await Bed.Host.Superuser.ConnectAsync("-c default_transaction_read_only=off");
        await host.ExecuteAsync(setUp, CancellationToken.None);
        try
        {
            await using var app = await Bed.Host.App.ConnectAsync();
            await act(app);
        }
        finally
        {
            await using var cleaner = await Bed.Host.Superuser.ConnectAsync("-c default_transaction_read_only=off");
            await cleaner.ExecuteAsync(tearDown, CancellationToken.None);
        }
    }

    /// <summary>One server for all of them: each takes back what it set up.</summary>
    public sealed class Host : IAsyncLifetime
    {
        internal CutoverBed Bed { get; private set; } = null!;

        public async Task InitializeAsync() => Bed = await CutoverBed.CreateAsync();

        public async Task DisposeAsync() => await Bed.DisposeAsync();
    }
}
