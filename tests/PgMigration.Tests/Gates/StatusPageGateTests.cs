using System.Globalization;
using System.Net;

namespace PgMigration.Tests;

public sealed class StatusPageGateTests
{
    private const string Components = """
        {"page":{"name":"Tracker"},"components":[
          {"name":"API","status":"operational"},{"name":"Ingest","status":"partial_outage"},
          {"name":"Events","status":"operational","group_id":"eu"},{"name":"Events","status":"major_outage","group_id":"us"}]}
        """;

    [Theory]
    [InlineData("none", true)]
    [InlineData("minor", false)]
    [InlineData("major", false)]
    [InlineData("critical", false)]
    [InlineData("maintenance", false)]
    [InlineData("something new", false)]
    public async Task A_page_holds_only_while_its_indicator_is_none(string indicator, bool holds)
    {
        using var page = new TestHttp(context => TestHttp.AnswerAsync(context, context.Request.RawUrl == "/api/v2/status.json" ? 200 : 404,
            $$$"""{"page":{},"status":{"indicator":"{{{indicator}}}","description":"Some words"}}"""));

        var result = await Gate(page).TestAsync();

        Assert.Equal((holds, $"indicator '{indicator}' (Some words)"), (result.Passed, result.Seen));
        Assert.Contains("indicator 'none' at http://127.0.0.1", result.Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("API", true, "1 operational")]
    [InlineData("api", true, "1 operational")]
    [InlineData("Ingest", false, "'Ingest' partial_outage")]
    [InlineData("API,Ingest", false, "'Ingest' partial_outage")]
    [InlineData("Events", false, "'Events' major_outage")]
    [InlineData("Nothing", false, "no component 'Nothing' among 'API', 'Ingest', 'Events'")]
    public async Task Named_components_count_and_the_rest_of_the_page_does_not(string names, bool holds, string seen)
    {
        using var page = new TestHttp(context => TestHttp.AnswerAsync(context, context.Request.RawUrl == "/api/v2/components.json" ? 200 : 404, Components));

        var result = await Gate(page, names.Split(',')).TestAsync();

        Assert.Equal((holds, seen), (result.Passed, result.Seen));
    }

    [Theory]
    [InlineData(200, "<html>Just a moment</html>", "no JSON")]
    [InlineData(200, "", "no JSON")]
    [InlineData(200, "{}", "status.indicator")]
    [InlineData(200, "[1]", "status.indicator")]
    [InlineData(200, """{"status":{"indicator":null}}""", "status.indicator")]
    [InlineData(200, """{"status":"none"}""", "status.indicator")]
    [InlineData(200, """{"status":{"indicator":"major","indicator":"none"}}""", "a key twice")]
    [InlineData(503, """{"status":{"indicator":"none"}}""", "HTTP status 503")]
    [InlineData(404, """{"status":{"indicator":"none"}}""", "HTTP status 404")]
    public async Task What_is_not_a_status_page_is_a_no(int status, string body, string seen)
    {
        using var page = new TestHttp(context => TestHttp.AnswerAsync(context, status, body));

        var result = await Gate(page).TestAsync();

        Assert.False(result.Passed);
        Assert.Contains(seen, result.Seen, StringComparison.Ordinal);
        Assert.Contains(seen, result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_out_of_reach_and_one_that_is_silent_are_a_no()
    {
        var gone = new TestHttp(_ => Task.CompletedTask);
        gone.Dispose();
        var silence = new TaskCompletionSource();
        using var silent = new TestHttp(_ => silence.Task);
        using var endless = new TestHttp(EndlessAsync);

        Assert.Contains("out of reach", (await Gate(gone).TestAsync()).Seen, StringComparison.Ordinal);
        foreach (var page in (TestHttp[])[silent, endless])
        {
            var late = new StatusPageGate(page.Address) { Name = "page", Timeout = TimeSpan.FromMilliseconds(200) };

            var result = await late.TestAsync();

            Assert.Equal((false, "no answer within 0.2 s"), (result.Passed, result.Seen));
        }

        silence.SetResult();

        async Task EndlessAsync(HttpListenerContext context)
        {
            await context.Response.OutputStream.WriteAsync("{"u8.ToArray());
            await context.Response.OutputStream.FlushAsync();
            await silence.Task;
        }
    }

    [Fact]
    public async Task A_cancelled_question_is_no_answer()
    {
        using var page = new TestHttp(_ => new TaskCompletionSource().Task);
        using var cancel = new CancellationTokenSource();
        var asked = Gate(page).TestAsync(cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task Looks_in_a_row_begin_anew_after_a_no()
    {
        int looks = 0;
        using var page = TestHttp.Saying(() => $$$"""{"status":{"indicator":"{{{(Interlocked.Increment(ref looks) == 2 ? "minor" : "none")}}}"}}""");
        var gate = new StatusPageGate(page.Address) { Name = "page", ConsecutivePasses = 3, Interval = TimeSpan.FromMilliseconds(1) };

        var first = await gate.TestAsync();
        var second = await gate.TestAsync();

        Assert.Equal((false, "indicator 'minor' (look 2 of 3 in a row)"), (first.Passed, first.Seen));
        Assert.Equal((true, 5), (second.Passed, looks));
    }

    [Fact]
    public async Task Waiting_outlasts_errors_and_ends_when_all_hold_in_the_same_round()
    {
        int looks = 0;
        using var flaky = new TestHttp(context => Interlocked.Increment(ref looks) switch
        {
            1 => TestHttp.AnswerAsync(context, 502, "bad gateway"),
            2 => throw new InvalidOperationException("no answer at all"),
            _ => TestHttp.AnswerAsync(context, 200, """{"status":{"indicator":"none"}}"""),
        });
        var other = new ChangingGate(passes => passes != 3) { Name = "other" }; // its no falls into the round in which the page first says yes

        var results = await GateWait.UntilAllHoldAsync([Gate(flaky), other], null, TimeSpan.FromMilliseconds(1), IMigrationObserver.None);

        Assert.All(results, result => Assert.True(result.Passed));
        Assert.Equal(4, other.Looks);
    }

    [Fact]
    public async Task A_wait_that_ends_in_vain_names_the_gates_that_did_not_hold()
    {
        var gates = new MigrationGate[] { new ChangingGate(_ => true) { Name = "fine" }, new ChangingGate(_ => false) { Name = "broken" } };

        var error = await Assert.ThrowsAsync<MigrationException>(() => GateWait.UntilAllHoldAsync(gates, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(5), IMigrationObserver.None));

        Assert.Equal(("GateWaitTimedOut", MigrationErrorKind.Timeout), (error.ErrorId, error.Kind));
        Assert.Contains("1 of 2 gates do not hold: 'broken': it saw look", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("'fine'", error.Message, StringComparison.Ordinal);
    }

    private static StatusPageGate Gate(TestHttp page, params string[] components) => new(page.Address, components) { Name = "page" };

    private sealed class ChangingGate(Func<int, bool> passes) : MigrationGate
    {
        private int _looks;

        public int Looks => _looks;

        public override string Kind => "Changing";

        public override string Expected => "a yes";

        protected override Task<GateObservation> ObserveAsync(CancellationToken cancel)
        {
            int look = Interlocked.Increment(ref _looks);
            return Task.FromResult(new GateObservation(passes(look), string.Create(CultureInfo.InvariantCulture, $"look {look}")));
        }
    }
}
