using System.Diagnostics;

namespace PgMigration.Tests;

/// <summary>What is found of a pooler before the app is paused, and what proves afterwards that its clients are answered.</summary>
public sealed class PoolerProofTests(PoolerBed bed) : IClassFixture<PoolerBed>
{
    private string Entry => $"shop = host=127.0.0.1 port={bed.Source.Port} dbname=shop";

    [Fact]
    public async Task Pooler_without_the_password_that_the_target_asks_for_is_found_and_its_file_is_as_before()
    {
        var pooler = await bed.StartAsync(Entry, users: "\"app\" \"\"\n\"boss\" \"\"\n");
        byte[] before = await File.ReadAllBytesAsync(pooler.ConfigFile);
        var app = pooler.App();
        await app.CheckAsync(bed.Source); // the old server asks for none

        var error = await Assert.ThrowsAsync<MigrationException>(() => app.CheckTargetAsync(bed.Target));

        Assert.Equal("PgBouncerCannotReachTarget", error.ErrorId);
        Assert.Contains("password", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(pooler.ConfigFile));
        Assert.Equal(["pgbouncer", "shop"], (await pooler.AskAsync("SHOW DATABASES")).Select(row => row["name"]).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("", "", null)]
    [InlineData(" user=app password=secret", "", "\"boss\" \"\"\n\"other\" \"\"\n")] // every client becomes app: the console's login shows it
    [InlineData(" min_pool_size=3 pool_mode=statement", "", null)]
    public async Task Pooler_that_reaches_the_target_passes_and_is_answered_there_after_the_move(string options, string settings, string? users)
    {
        var pooler = await bed.StartAsync(Entry + options, settings, users);
        var app = pooler.App();
        await app.CheckAsync(bed.Source);
        await app.CheckTargetAsync(bed.Target);
        Assert.Empty(app.Unproven);
        await app.PauseAsync();
        await app.RepointAsync(bed.Target);
        await app.ResumeAsync();

        Assert.NotNull(await app.ProveAsync([bed.Target], await ServerIdentity.ReadAsync(bed.Target, default)));
        var wrong = await Assert.ThrowsAsync<MigrationException>(async () => await app.ProveAsync([bed.Target], await ServerIdentity.ReadAsync(bed.Source, default)));
        Assert.Equal("PgBouncerOtherServer", wrong.ErrorId);
    }

    [Theory]
    [InlineData("* = host=127.0.0.1 port={port}", "", "PgBouncerOtherEntries", "'*'", "orders = host=127.0.0.1 port={port} dbname=shop")] // serves the name shop
    [InlineData("* = host=localhost port={port} dbname=shop", "", "PgBouncerOtherEntries", "any name", null)]
    [InlineData("", "[users]\napp = pool_mode=session", "PgBouncerSessionMode", "for the user app", null)]
    [InlineData("", "", "PgBouncerSeveralHosts", "127.0.0.1,localhost", "orders = host=127.0.0.1,localhost port={port} dbname=shop")]
    [InlineData("", "", "PgBouncerNotAnswering", "before anything was changed", "orders = host=127.0.0.1 port=1 dbname=shop")]
    [InlineData("", "", "PgBouncerOtherServer", "another server", "orders = host=127.0.0.1 port={other} dbname=shop")]
    public async Task Trap_in_a_poolers_file_is_found_before_the_pause(string more, string settings, string errorId, string told, string? entry)
    {
        string Filled(string text) => text.Replace("{port}", $"{bed.Source.Port}", StringComparison.Ordinal).Replace("{other}", $"{bed.Target.Port}", StringComparison.Ordinal);
        var pooler = await bed.StartAsync($"{Filled(entry ?? Entry.Replace("shop = ", "orders = ", StringComparison.Ordinal))}\n{Filled(more)}", settings);

        var error = await Assert.ThrowsAsync<MigrationException>(() => pooler.App("orders").CheckAsync(bed.Source));

        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains(told, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fallback_entry_that_serves_other_databases_only_is_no_obstacle()
    {
        var pooler = await bed.StartAsync($"{Entry}\n* = host=127.0.0.1 port={bed.Source.Port}");

        await pooler.App().CheckAsync(bed.Source);
    }

    [Fact]
    public async Task Pooler_that_is_paused_as_a_whole_is_found()
    {
        var pooler = await bed.StartAsync(Entry);
        await pooler.AskAsync("PAUSE");

        var error = await Assert.ThrowsAsync<MigrationException>(() => pooler.App().CheckAsync(bed.Source));

        Assert.True(error.ErrorId is "PgBouncerNotAnswering" or "PgBouncerAlreadyPaused", error.Message);
    }

    [Fact]
    public async Task Login_that_no_pooler_lets_in_leaves_the_way_unproven()
    {
        var pooler = await bed.StartAsync(Entry, users: "\"other\" \"x\"\n\"boss\" \"\"\n");
        var app = pooler.App();

        await app.CheckAsync(bed.Source);

        Assert.Equal("PoolerLoginNotProven", Assert.Single(app.Unproven).Name);
        await app.CheckTargetAsync(bed.Target);
        Assert.Null(await app.ProveAsync([bed.Source], "any"));
        Assert.Contains("proves", Assert.Single(app.Remarks), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Users_whose_passwords_are_not_known_leave_their_way_unproven()
    {
        var pooler = await bed.StartAsync(Entry, users: "\"app\" \"secret\"\n\"postgres\" \"\"\n\"boss\" \"\"\n");
        await PooledLogin.IdentifyAsync(pooler.Socket, "shop", bed.Source.WithUser("postgres"), TimeSpan.FromSeconds(5), default);
        var app = pooler.App();

        await app.CheckAsync(bed.Source);

        var doubt = Assert.Single(app.Unproven);
        Assert.Equal("PoolerUserNotProven", doubt.Name);
        Assert.Contains("postgres", doubt.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_processes_at_one_port_are_refused_over_TCP_and_taken_by_their_sockets()
    {
        int port = LoopbackPort.Free();
        var one = await bed.StartAsync(Entry, "so_reuseport = 1", port: port);
        var other = await bed.StartAsync(Entry, "so_reuseport = 1", port: port);

        var error = await Assert.ThrowsAsync<MigrationException>(() => new PgBouncerApp(one.Tcp, "shop", one.ConfigFile).CheckAsync(bed.Source));

        Assert.Equal("PgBouncerSeveralProcesses", error.ErrorId);
        Assert.Contains("unix_socket_dir", error.Message, StringComparison.Ordinal);
        await new AppGroup([one.App(), other.App()]).CheckAsync(bed.Source);
    }

    [Fact]
    public async Task Several_processes_after_a_load_balancer_are_refused_and_a_proxy_in_front_of_one_is_not()
    {
        var one = await bed.StartAsync(Entry);
        var other = await bed.StartAsync(Entry);
        await using var balancer = new TcpRelay(TimeSpan.Zero, one.Tcp.Port, other.Tcp.Port);
        await using var proxy = new TcpRelay(TimeSpan.Zero, one.Tcp.Port);

        var error = await Assert.ThrowsAsync<MigrationException>(() => new PgBouncerApp(one.Tcp.WithHost("127.0.0.1", balancer.Port), "shop", one.ConfigFile).CheckAsync(bed.Source));

        Assert.Equal("PgBouncerSeveralProcesses", error.ErrorId);
        await new PgBouncerApp(one.Tcp.WithHost("127.0.0.1", proxy.Port), "shop", one.ConfigFile).CheckAsync(bed.Source);
    }

    [Theory]
    [InlineData(300)] // ends before PAUSE
    [InlineData(4000)] // is broken off by PAUSE
    public async Task Server_login_under_way_at_PAUSE_does_not_hold_up_clients_after_RESUME(int milliseconds)
    {
        await using var slow = new TcpRelay(TimeSpan.FromMilliseconds(milliseconds), bed.Source.Port);
        var pooler = await bed.StartAsync($"shop = host=127.0.0.1 port={slow.Port} dbname=shop", "server_login_retry = 15");
        var client = PooledLogin.IdentifyAsync(pooler.Socket, "shop", bed.Source, TimeSpan.FromSeconds(30), default);
        while (!(await pooler.AskAsync("SHOW POOLS")).Exists(row => row["database"] == "shop" && row["sv_login"] == "1"))
        {
            await Task.Delay(5); // the console reports no event
        }

        var app = new PgBouncerApp(pooler.Socket, "shop", pooler.ConfigFile);
        await app.PauseAsync();
        await app.RepointAsync(bed.Target);
        var clock = Stopwatch.StartNew();
        await app.ResumeAsync();
        string identity = await ServerIdentity.ReadAsync(bed.Target, default);

        Assert.NotNull(await app.ProveAsync([bed.Target], identity));
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8)); // 15 s otherwise
        await client;
        Assert.Equal("15", (await pooler.AskAsync("SHOW CONFIG")).Find(row => row["key"] == "server_login_retry")!["value"]);
    }

    [Fact]
    public async Task Check_that_is_cancelled_leaves_no_entry_behind()
    {
        await using var slow = new TcpRelay(TimeSpan.FromSeconds(60), bed.Target.Port);
        var pooler = await bed.StartAsync(Entry);
        byte[] before = await File.ReadAllBytesAsync(pooler.ConfigFile);
        var app = new PgBouncerApp(pooler.Socket, "shop", pooler.ConfigFile);
        await app.CheckAsync(bed.Source);
        using var cancel = new CancellationTokenSource();
        var checking = app.CheckTargetAsync(bed.Target.WithHost("127.0.0.1", slow.Port), cancel.Token);
        while (!(await pooler.AskAsync("SHOW POOLS")).Exists(row => row["database"]!.StartsWith("pgmigration_probe_", StringComparison.Ordinal)))
        {
            await Task.Delay(5); // the console reports no event
        }

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => checking);
        Assert.Equal(before, await File.ReadAllBytesAsync(pooler.ConfigFile));
        Assert.DoesNotContain(await pooler.AskAsync("SHOW DATABASES"), row => row["name"]!.StartsWith("pgmigration_probe_", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("transaction", "ignore_startup_parameters = options")]
    [InlineData("session", "ignore_startup_parameters = options")]
    [InlineData("statement", "ignore_startup_parameters = options")]
    [InlineData("transaction", "")]
    [InlineData("session", "ignore_startup_parameters = options, extra_float_digits\nserver_reset_query_always = 1")]
    public async Task Server_that_is_reached_through_a_pooler_is_told_from_one_that_is_reached_directly(string mode, string settings)
    {
        var pooler = await bed.StartAsync($"{Entry} pool_mode={mode}", settings);
        var address = bed.Source.WithHost("127.0.0.1", pooler.Tcp.Port);

        var error = await Assert.ThrowsAsync<MigrationException>(() => DirectReach.ProveAsync(address, "source", default));

        Assert.Equal("ServerBehindPooler", error.ErrorId);
        Assert.Contains($"reaches that server at 127.0.0.1:{bed.Source.Port}", error.Message, StringComparison.Ordinal);
        Assert.Contains("(-Source)", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<MigrationException>(() => Readiness.ReadAsync(address));
    }

    [Fact]
    public async Task Proxy_that_passes_each_connection_on_is_no_pooler()
    {
        await using var proxy = new TcpRelay(TimeSpan.Zero, bed.Source.Port);

        await DirectReach.ProveAsync(bed.Source.WithHost("127.0.0.1", proxy.Port), "source", default);
    }
}
