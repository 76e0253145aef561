using System.Globalization;

namespace PgMigration.Tests;

/// <summary>An app on Heroku is stopped, pointed elsewhere and started, whatever Heroku does; its secrets are shown nowhere.</summary>
[Collection(PostgresCollection.Name)]
public sealed class HerokuAppTests(TestPostgres postgres) : IAsyncLifetime
{
    private readonly TestHeroku _heroku = new();
    private PgServer _source = null!;
    private string _old = null!;

    public async Task InitializeAsync()
    {
        _source = await postgres.CreateDatabaseAsync("heroku");
        _old = string.Create(CultureInfo.InvariantCulture, $"postgres://{_source.User}:hunter2@127.0.0.1:{_source.Port}/{_source.Database}?pool=5");
        _heroku.Attach("HEROKU_POSTGRESQL_BLUE", _old);
        _heroku.Attach("DATABASE", _old);
        _heroku.SetVar("LANG", "C");
    }

    public Task DisposeAsync()
    {
        _heroku.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_var_that_an_add_on_owns_is_pointed_elsewhere_and_the_app_goes_on_with_its_dynos()
    {
        var app = App();
        await PauseAsync(app);
        Assert.Equal((true, "0 0 0"), (_heroku.Maintenance, string.Join(' ', _heroku.Formation.Values)));

        await app.RepointAsync(Target);
        await app.ResumeAsync();

        Assert.Equal(New, _heroku.Config["DATABASE_URL"]);
        Assert.Equal((false, "0 2 1"), (_heroku.Maintenance, string.Join(' ', _heroku.Formation.Values)));
        Assert.Equal(_old, _heroku.Config["HEROKU_POSTGRESQL_BLUE_URL"]); // the way back
        Assert.Equal(0, _heroku.RestartedDynos);
        Assert.Empty(app.Remarks);
    }

    [Fact]
    public async Task The_app_s_own_login_is_found_so_that_a_write_of_its_is_tried_behind_the_fence()
    {
        var login = await App().FindLoginAsync();

        Assert.Equal((_source.Host, _source.Database, _source.User, "hunter2"), (login!.Host, login.Database, login.User, login.FindPassword()));
    }

    [Fact]
    public async Task A_var_of_the_app_s_own_is_pointed_elsewhere_and_back()
    {
        _heroku.SetVar("REPORTS_URL", _old);
        var app = App(vars: ["DATABASE_URL", "REPORTS_URL"]);
        await PauseAsync(app);
        await app.RepointAsync(Target);
        Assert.Equal((New, New), (_heroku.Config["DATABASE_URL"], _heroku.Config["REPORTS_URL"]));

        await app.PointBackAsync(_source);
        await app.ResumeAsync();

        AssertAsBefore("REPORTS_URL");
        Assert.Equal(_old, _heroku.Config["REPORTS_URL"]);
    }

    [Fact]
    public async Task An_undo_before_the_repointing_leaves_no_trace()
    {
        var app = App();
        await PauseAsync(app);

        await app.ResumeAsync();

        AssertAsBefore();
    }

    [Fact]
    public async Task An_add_on_attached_under_one_name_only_gets_a_second_one_while_it_is_needed()
    {
        using var heroku = new TestHeroku();
        heroku.Attach("DATABASE", _old);
        var app = App(heroku);
        await PauseAsync(app);
        Assert.Equal(["DATABASE", "PGMIGRATION_OLD_DATABASE"], heroku.Attachments);

        await app.RepointAsync(Target);
        Assert.Equal(["PGMIGRATION_OLD_DATABASE"], heroku.Attachments);
        Assert.Equal(New, heroku.Config["DATABASE_URL"]);
        await app.PointBackAsync(_source);
        await app.ResumeAsync();

        Assert.Equal(["DATABASE"], heroku.Attachments);
        Assert.Equal(["DATABASE_URL"], heroku.Config.Keys);
        Assert.Equal(0, heroku.RestartedDynos);
    }

    [Theory]
    [InlineData("pause")]
    [InlineData("repoint")]
    [InlineData("back")]
    [InlineData("resume")]
    public async Task A_death_at_any_call_is_finished_by_another_session(string phase)
    {
        for (int calls = 0; ; calls++)
        {
            using var heroku = new TestHeroku { StopsAfter = TimeSpan.FromMilliseconds(20) };
            heroku.Attach("DATABASE", _old);
            heroku.SetVar("REPORTS_URL", _old);
            string[] vars = ["DATABASE_URL", "REPORTS_URL"];
            var first = App(heroku, vars: vars);
            await first.CheckAsync(_source);
            string state = (await first.RememberAsync())!;
            HerokuApp Session()
            {
                var app = App(heroku, vars: vars);
                app.Recall(state);
                return app;
            }

            Func<HerokuApp, Task>[] phases = [app => app.PauseAsync(), app => app.RepointAsync(Target), app => app.PointBackAsync(_source), app => app.ResumeAsync()];
            string[] names = ["pause", "repoint", "back", "resume"];
            bool died = false;
            foreach (var (name, run) in names.Zip(phases))
            {
                if (name == phase)
                {
                    died = await DieAfterAsync(heroku, calls, vars, run, state);
                }

                await run(Session());
            }

            Assert.Equal(["DATABASE"], heroku.Attachments);
            Assert.Equal(["DATABASE_URL", "REPORTS_URL"], heroku.Config.Keys);
            Assert.All(heroku.Config.Values, value => Assert.Equal(_old, value));
            Assert.Equal("0 2 1", string.Join(' ', heroku.Formation.Values));
            Assert.False(heroku.Maintenance);
            Assert.Equal(0, heroku.RestartedDynos);
            if (!died)
            {
                Assert.True(calls > 2);
                return; // it has fewer calls than that
            }
        }
    }

    [Fact]
    public async Task The_pause_waits_for_the_last_dyno_and_names_one_off_ones_that_do_not_end()
    {
        _heroku.StartOneOff("scheduler");
        var app = App();
        await app.CheckAsync(_source);
        Assert.Contains(app.Remarks, remark => remark.Contains("scheduler.", StringComparison.Ordinal));
        await app.RememberAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(600));

        var error = await Assert.ThrowsAsync<MigrationException>(() => app.PauseAsync(deadline.Token));

        Assert.Equal("HerokuDynosRemain", error.ErrorId);
        Assert.Matches(@"scheduler\.\d+ \(since .*heroku ps:stop scheduler\.\d+ -a shop", error.Message);
        Assert.DoesNotContain("web", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("rake", error.Message, StringComparison.Ordinal); // a command may hold anything

        var again = app.PauseAsync();
        Assert.False(again.IsCompleted);
        _heroku.EndOneOff("scheduler");
        await again;
    }

    [Fact]
    public async Task Only_the_chosen_process_types_are_stopped()
    {
        var app = App(types: ["worker"]);
        await PauseAsync(app);

        Assert.Equal("0 2 0", string.Join(' ', _heroku.Formation.Values));
        await app.ResumeAsync();
        Assert.Equal("0 2 1", string.Join(' ', _heroku.Formation.Values));
        Assert.Equal("HerokuProcessTypeUnknown", (await Assert.ThrowsAsync<MigrationException>(() => App(types: ["wroker"]).CheckAsync(_source))).ErrorId);
    }

    [Fact]
    public async Task A_busy_an_ailing_and_a_broken_Heroku_are_asked_again()
    {
        foreach (int fault in (int[])[429, 503, -1, 429, 500, -1])
        {
            _heroku.Faults.Enqueue(fault);
        }

        var app = App();
        await PauseAsync(app);
        _heroku.Cut["DELETE"] = _heroku.Cut["PATCH"] = true; // done, but the answer was lost
        await app.RepointAsync(Target);
        _heroku.Cut["POST"] = _heroku.Cut["PATCH"] = true;
        await app.PointBackAsync(_source);
        await app.ResumeAsync();

        AssertAsBefore();
        Assert.True(_heroku.Cut.IsEmpty && _heroku.Faults.IsEmpty);
    }

    [Theory]
    [InlineData(429, "HerokuRateLimited")]
    [InlineData(503, "HerokuUnreachable")]
    [InlineData(-1, "HerokuUnreachable")]
    public async Task What_lasts_longer_than_the_budget_is_an_error(int fault, string id)
    {
        for (int i = 0; i < 100; i++)
        {
            _heroku.Faults.Enqueue(fault);
        }

        Assert.Equal(id, (await Assert.ThrowsAsync<MigrationException>(() => App(budget: 0.2).CheckAsync(_source))).ErrorId);
        Assert.InRange(100 - _heroku.Faults.Count, 2, 99);
    }

    [Theory]
    [InlineData("PATCH /apps/shop", 403, "HerokuForbidden")]
    [InlineData("PATCH /apps/shop/formation", 403, "HerokuForbidden")]
    [InlineData("GET /apps/shop/config-vars", 403, "HerokuForbidden")]
    [InlineData("GET /apps/shop/addon-attachments", 403, "HerokuForbidden")]
    [InlineData("GET /apps/shop/releases", 403, "HerokuForbidden")]
    [InlineData("GET /apps/shop/dynos", 403, "HerokuForbidden")]
    [InlineData("GET /apps/shop", 404, "HerokuNotFound")]
    [InlineData("GET /apps/shop/formation", 422, "HerokuRefused")]
    public async Task What_the_token_may_not_do_is_found_before_anything_is_changed(string call, int status, string id)
    {
        _heroku.Refusals[call] = (status, "forbidden", "You do not have access to that.");

        var error = await Assert.ThrowsAsync<MigrationException>(() => App().CheckAsync(_source));

        Assert.Equal(id, error.ErrorId);
        Assert.Contains("You do not have access to that", error.Message, StringComparison.Ordinal);
        AssertAsBefore();
        Assert.Equal(1, _heroku.Version);
    }

    [Theory]
    [InlineData("config-vars")]
    [InlineData("addon-attachments")]
    [InlineData("releases")]
    [InlineData("formation")]
    [InlineData("dynos")]
    public async Task An_undo_brings_the_app_up_although_a_call_that_only_informs_or_tidies_fails(string read)
    {
        var app = App();
        await PauseAsync(app);
        _heroku.Refusals[$"GET /apps/shop/{read}"] = (403, "forbidden", "Not any more.");

        await app.ResumeAsync();

        Assert.Equal((false, "0 2 1"), (_heroku.Maintenance, string.Join(' ', _heroku.Formation.Values)));
        Assert.Equal(read == "formation", app.Remarks.Count == 0); // without it all are started as they were, which is all there is to say
    }

    [Fact]
    public async Task Connection_pooling_that_is_not_named_is_refused_and_one_that_is_named_moves_with_the_rest()
    {
        string pool = _old.Replace("?pool=5", string.Empty, StringComparison.Ordinal);
        _heroku.Attach("DATABASE_CONNECTION_POOL", pool, space: "connection-pooling");

        var error = await Assert.ThrowsAsync<MigrationException>(() => App().CheckAsync(_source));
        Assert.Equal("HerokuPoolNotNamed", error.ErrorId);
        Assert.Contains("-ConfigVar DATABASE_URL, DATABASE_CONNECTION_POOL_URL", error.Message, StringComparison.Ordinal);

        var app = App(vars: ["DATABASE_URL", "DATABASE_CONNECTION_POOL_URL"]);
        await PauseAsync(app);
        await app.RepointAsync(Target);
        Assert.Equal((New, New.Replace("?pool=5", string.Empty, StringComparison.Ordinal)), (_heroku.Config["DATABASE_URL"], _heroku.Config["DATABASE_CONNECTION_POOL_URL"]));
        await app.PointBackAsync(_source);
        await app.ResumeAsync();
        Assert.Equal((_old, pool), (_heroku.Config["DATABASE_URL"], _heroku.Config["DATABASE_CONNECTION_POOL_URL"]));
        Assert.Equal(["DATABASE", "DATABASE_CONNECTION_POOL", "HEROKU_POSTGRESQL_BLUE"], _heroku.Attachments);
    }

    [Fact]
    public async Task Every_var_that_leads_to_the_same_database_is_named_and_a_follower_is_not()
    {
        string place = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_source.Port}/{_source.Database}");
        _heroku.SetVar("WITHOUT_LOGIN", $"postgres://{place}");
        _heroku.SetVar("OTHER_LOGIN", $"postgis://reports:x@{place}?sslmode=require");
        _heroku.SetVar("JDBC", $"jdbc:postgresql://{place}?user=a&password=b");
        _heroku.SetVar("WORDS", string.Create(CultureInfo.InvariantCulture, $"host=127.0.0.1 port={_source.Port} dbname={_source.Database}"));
        _heroku.SetVar("OTHER_PORT", string.Create(CultureInfo.InvariantCulture, $"postgres://{_source.User}:x@127.0.0.1:1/{_source.Database}"));
        _heroku.SetVar("ELSEWHERE", "postgres://a:b@elsewhere.example.com/shop");
        _heroku.Attach("FOLLOWER", _old.Replace("127.0.0.1", "follower.example.com", StringComparison.Ordinal), "postgresql-follower");
        var app = App();

        await app.CheckAsync(_source);

        Assert.Contains(app.Remarks, remark => remark.StartsWith("The config vars JDBC, OTHER_LOGIN, OTHER_PORT, WITHOUT_LOGIN, WORDS of shop lead to the same database", StringComparison.Ordinal));
        Assert.Contains(app.Remarks, remark => remark.StartsWith("HEROKU_POSTGRESQL_BLUE_URL of shop, of the same add-on under another name", StringComparison.Ordinal));
        Assert.DoesNotContain(app.Remarks, remark => remark.Contains("FOLLOWER", StringComparison.Ordinal) || remark.Contains("ELSEWHERE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_name_that_the_cutover_needs_and_is_taken_is_found_before_anything_is_changed()
    {
        using var heroku = new TestHeroku();
        heroku.Attach("DATABASE", _old);
        heroku.SetVar("PGMIGRATION_OLD_DATABASE_URL", "left");

        var error = await Assert.ThrowsAsync<MigrationException>(() => App(heroku).CheckAsync(_source));

        Assert.Equal("HerokuNameTaken", error.ErrorId);
    }

    [Fact]
    public async Task A_wrong_token_is_told_without_it_and_before_anything_is_changed()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => new HerokuApp("shop", "wrong-token", _heroku.Address, ["DATABASE_URL"]).CheckAsync(_source));

        Assert.Equal("HerokuTokenRefused", error.ErrorId);
        Assert.Contains("HEROKU_API_KEY", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-token", error.ToString(), StringComparison.Ordinal);
        AssertAsBefore();
    }

    [Fact]
    public async Task A_check_changes_nothing_and_tells_what_it_found()
    {
        _heroku.SetVar("COPY_URL", _old.Replace("pool=5", "pool=9", StringComparison.Ordinal));
        _heroku.AddType("release", 0);
        var app = App();

        await app.CheckAsync(_source);
        await app.CheckTargetAsync(_source.WithHost("127.0.0.1", _source.Port));

        Assert.Contains(app.Remarks, remark => remark.Contains("DATABASE_URL of the add-on postgresql-cubed-1", StringComparison.Ordinal));
        Assert.Contains(app.Remarks, remark => remark.Contains("COPY_URL of shop lead to the same database", StringComparison.Ordinal));
        Assert.Contains(app.Remarks, remark => remark.Contains("release phase", StringComparison.Ordinal));
        Assert.DoesNotContain(app.Remarks, remark => remark.Contains("hunter2", StringComparison.Ordinal));
        Assert.Equal((1, 0), (_heroku.Version, _heroku.RestartedDynos));
        AssertAsBefore("COPY_URL");
    }

    [Fact]
    public async Task Few_calls_that_are_left_and_other_databases_and_missing_vars_are_found_before()
    {
        async Task<string> CheckAsync(HerokuApp app, PgServer? source = null) => (await Assert.ThrowsAsync<MigrationException>(() => app.CheckAsync(source ?? _source))).ErrorId;
        _heroku.SetVar("TEXT", "no address");

        Assert.Equal("HerokuOtherServer", await CheckAsync(App(), await postgres.CreateDatabaseAsync()));
        Assert.Equal("HerokuVarNotFound", await CheckAsync(App(vars: ["NO_URL"])));
        Assert.Equal("HerokuVarNoAddress", await CheckAsync(App(vars: ["TEXT"])));
        _heroku.Remaining = 100;
        Assert.Equal("HerokuRateLimitLow", await CheckAsync(App()));
    }

    [Fact]
    public async Task An_address_that_would_not_work_for_the_app_is_found_before()
    {
        var app = App();
        await app.CheckAsync(_source);

        var gone = await Assert.ThrowsAsync<MigrationException>(() => app.CheckTargetAsync(_source.WithHost("127.0.0.1", TestPostgres.FreePort())));
        var tls = await Assert.ThrowsAsync<MigrationException>(() => app.CheckTargetAsync(_source.WithSslMode("require")));
        var real = new HerokuApp("shop", TestHeroku.Token, null, ["DATABASE_URL"]);
        var here = await Assert.ThrowsAsync<MigrationException>(() => real.CheckTargetAsync(_source));

        Assert.Equal(("HerokuTargetRefuses", "HerokuTargetRefuses", "HerokuTargetNotReachable"), (gone.ErrorId, tls.ErrorId, here.ErrorId));
        Assert.Contains("DATABASE_URL", gone.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", gone + tls.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_release_that_fails_and_dynos_that_crash_are_told()
    {
        var app = App();
        await PauseAsync(app);
        _heroku.ReleaseStatus = "failed";
        var error = await Assert.ThrowsAsync<MigrationException>(() => app.RepointAsync(Target));
        Assert.Equal("HerokuReleaseFailed", error.ErrorId);

        _heroku.ReleaseStatus = "succeeded";
        _heroku.SetVar("DATABASE_URL", "somebody else's"); // so that the next try makes a release
        await app.RepointAsync(Target);
        _heroku.StartedState = "crashed";
        await app.ResumeAsync();

        Assert.Contains("crashed", Assert.Single(app.Remarks), StringComparison.Ordinal);
        Assert.False(_heroku.Maintenance);
    }

    [Fact]
    public async Task Maintenance_that_was_on_before_stays_on()
    {
        _heroku.Maintenance = true;
        var app = App();
        await PauseAsync(app);

        await app.ResumeAsync();

        Assert.True(_heroku.Maintenance);
    }

    [Fact]
    public async Task What_is_remembered_holds_no_secret_and_the_token_must_not_travel_in_the_clear()
    {
        var app = App();
        await app.CheckAsync(_source);

        string state = (await app.RememberAsync())!;

        Assert.DoesNotMatch("hunter2|HRKU", state);
        Assert.Contains("web", state, StringComparison.Ordinal);
        Assert.Equal("HerokuApiUrlInvalid", Assert.Throws<MigrationException>(() => new HerokuApp("shop", "t", new Uri("http://api.heroku.com/"), ["X"])).ErrorId);
        Assert.Equal("HerokuTokenMissing", Assert.Throws<MigrationException>(() => new HerokuApp("shop", " ", null, ["X"])).ErrorId);
        Assert.Equal("HerokuAppNameInvalid", Assert.Throws<MigrationException>(() => new HerokuApp("../account", "t", null, ["X"])).ErrorId);
    }

    private PgServer Target => new("db.example.com", 6543, "shop", _source.User);

    private string New => $"postgres://{_source.User}:hunter2@db.example.com:6543/shop?pool=5";

    // Dies at the given call: the next one is not made. Whether there was such a call.
    private static async Task<bool> DieAfterAsync(TestHeroku heroku, int calls, string[] vars, Func<HerokuApp, Task> run, string state)
    {
        using var death = new CancellationTokenSource();
        int made = 0;
        using var proxy = new TestHttp(async context =>
        {
            if (Interlocked.Increment(ref made) > calls)
            {
                await death.CancelAsync();
                throw new InvalidOperationException("dead");
            }

            await ForwardAsync(heroku.Address, context);
        });
        var dying = Make(proxy.Address, vars, [], 30);
        dying.Recall(state);
        try
        {
            await run(dying).WaitAsync(death.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    [Theory]
    [InlineData("page 1", "page 1")]
    [InlineData("page 1", "page 2")]
    public async Task A_list_whose_pages_come_again_is_an_error_and_not_a_loop(string odd, string even)
    {
        int asked = 0;
        using var heroku = new TestHttp(context =>
        {
            context.Response.Headers["Next-Range"] = ++asked % 2 == 0 ? even : odd;
            return TestHttp.AnswerAsync(context, 206, "[]");
        });

        var error = await Assert.ThrowsAsync<MigrationException>(() => new HerokuApi(heroku.Address, TestHeroku.Token).ListAsync<HerokuDyno>("/apps/shop/dynos", CancellationToken.None));

        Assert.Equal("HerokuAnswerUnknown", error.ErrorId);
        Assert.Contains("/apps/shop/dynos", error.Message, StringComparison.Ordinal);
        Assert.InRange(asked, 2, 3);
    }

    private static async Task ForwardAsync(Uri to, System.Net.HttpListenerContext context)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.HttpMethod), new Uri(to, context.Request.RawUrl));
        foreach (string name in (string[])["Authorization", "Range", "Accept"])
        {
            if (context.Request.Headers[name] is { } value)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (context.Request.HasEntityBody)
        {
            request.Content = new StreamContent(context.Request.InputStream);
        }

        using var response = await client.SendAsync(request);
        if (response.Headers.TryGetValues("Next-Range", out var next))
        {
            context.Response.Headers["Next-Range"] = next.First();
        }

        await TestHttp.AnswerAsync(context, (int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private HerokuApp App(TestHeroku? heroku = null, string[]? vars = null, string[]? types = null, double budget = 30) => Make((heroku ?? _heroku).Address, vars ?? ["DATABASE_URL"], types ?? [], budget);

    private static HerokuApp Make(Uri address, string[] vars, string[] types, double budget) =>
        new("shop", new HerokuApi(address, TestHeroku.Token) { Budget = TimeSpan.FromSeconds(budget), FirstPause = TimeSpan.FromMilliseconds(5), RateLimitPause = TimeSpan.FromMilliseconds(5) }, vars, types, TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10), rehearsal: true);

    private async Task PauseAsync(HerokuApp app)
    {
        await app.CheckAsync(_source);
        await app.RememberAsync();
        await app.PauseAsync();
    }

    private void AssertAsBefore(params string[] moreVars)
    {
        Assert.Equal(["DATABASE", "HEROKU_POSTGRESQL_BLUE"], _heroku.Attachments);
        Assert.Equal(((string[])["DATABASE_URL", "HEROKU_POSTGRESQL_BLUE_URL", "LANG", .. moreVars]).Order(StringComparer.Ordinal), _heroku.Config.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(_old, _heroku.Config["DATABASE_URL"]);
        Assert.Equal("2 1", $"{_heroku.Formation["web"]} {_heroku.Formation["worker"]}");
        Assert.False(_heroku.Maintenance);
        Assert.Equal(0, _heroku.RestartedDynos);
    }
}
