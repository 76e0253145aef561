namespace PgMigration.Tests;

public sealed class HttpGateTests
{
    private const string Metrics = """{"data":[{"rate":0.5,"ok":true,"state":"green","nothing":null,"text":"0.25","a b":[1,2,7]}]}""";

    [Theory]
    [InlineData("$.data[0].rate", null, 0.6, true)]
    [InlineData("$.data[0].rate", null, 0.5, false)]
    [InlineData("data[-1].rate", 0.4, 0.6, true)]
    [InlineData("$.data[0].rate", 0.5, null, false)]
    [InlineData("$.data[0].text", null, 0.3, true)]
    [InlineData("$.data[0]['a b'][2]", 6.9, null, true)]
    [InlineData("$.data[0].state", null, 1d, false)]
    [InlineData("$.data[0].ok", null, 2d, false)]
    [InlineData("$.data[0].nothing", null, 1d, false)]
    [InlineData("$.data[0].absent", null, 1d, false)]
    [InlineData("$.data[7].rate", null, 1d, false)]
    [InlineData("$.data.rate", null, 1d, false)]
    public async Task A_value_holds_only_strictly_within_its_bounds(string path, double? above, double? below, bool holds)
    {
        using var web = TestHttp.Saying(() => Metrics);

        var result = await new HttpGate(web.Address, path: JsonPath.Parse(path), expectation: new GateExpectation(below, above)) { Name = "rate" }.TestAsync();

        Assert.True(holds == result.Passed, result.Reason);
    }

    [Theory]
    [InlineData("$.data[0].state", "green", true)]
    [InlineData("$.data[0].state", "Green", false)]
    [InlineData("$.data[0].ok", "true", true)]
    [InlineData("$.data[0].rate", "0.5", true)]
    public async Task An_expected_value_is_compared_as_text(string path, string expected, bool holds)
    {
        using var web = TestHttp.Saying(() => Metrics);

        var result = await new HttpGate(web.Address, path: JsonPath.Parse(path), expectation: new GateExpectation(Value: expected)) { Name = "state" }.TestAsync();

        Assert.True(holds == result.Passed, result.Reason);
    }

    [Theory]
    [InlineData(200, null, true)]
    [InlineData(204, null, true)]
    [InlineData(404, null, false)]
    [InlineData(503, 503, true)]
    [InlineData(200, 503, false)]
    public async Task The_status_is_any_of_the_two_hundreds_or_the_one_that_was_asked_for(int status, int? wanted, bool holds)
    {
        using var web = new TestHttp(context => TestHttp.AnswerAsync(context, status, string.Empty));

        var result = await new HttpGate(web.Address) { Name = "health", StatusCode = wanted }.TestAsync();

        Assert.Equal((holds, $"HTTP status {status}"), (result.Passed, result.Seen));
    }

    [Fact]
    public async Task A_redirect_is_a_no_that_says_where_it_points_since_a_login_page_answers_to_everybody()
    {
        using var login = new TestHttp(context => TestHttp.AnswerAsync(context, 200, "please log in"));
        using var web = new TestHttp(context =>
        {
            context.Response.Headers["Location"] = $"{login.Address}login?next=S3cret";
            return TestHttp.AnswerAsync(context, 302, string.Empty);
        });

        var health = await new HttpGate(web.Address) { Name = "health" }.TestAsync();
        var page = await new StatusPageGate(web.Address) { Name = "page" }.TestAsync();
        var asked = await new HttpGate(web.Address) { Name = "health", StatusCode = 302 }.TestAsync();

        Assert.Equal((false, false, true), (health.Passed, page.Passed, asked.Passed));
        Assert.Contains($"HTTP status 302, a redirect to {login.Address}login, which is not followed", health.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("S3cret", health.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secret_headers_are_sent_and_neither_shown_nor_sent_to_where_a_redirect_leads()
    {
        string? elsewhere = null;
        using var other = new TestHttp(context =>
        {
            elsewhere = context.Request.Headers["X-Key"];
            return TestHttp.AnswerAsync(context, 200, string.Empty);
        });
        string? sent = null;
        using var web = new TestHttp(context =>
        {
            sent = context.Request.Headers["X-Key"];
            context.Response.Redirect(other.Address.OriginalString);
            context.Response.Close();
            return Task.CompletedTask;
        });
        var gate = new HttpGate(new Uri(web.Address, "health?key=hunter3"), [new("X-Key", "hunter2")]) { Name = "health" };

        var result = await gate.TestAsync();

        Assert.Equal(("hunter2", null), (sent, elsewhere));
        Assert.False(result.Passed);
        Assert.DoesNotMatch("hunter[23]", $"{result} {result.Reason} {gate.Expected} {gate.Address}");
    }

    [Theory]
    [InlineData("$..rate")]
    [InlineData("$.data[*].rate")]
    [InlineData("$.data[?(@.x)]")]
    [InlineData("$.data[0]rate")]
    [InlineData("$.data[")]
    [InlineData("$['a")]
    public void A_path_that_leads_to_no_single_place_is_refused(string path) =>
        Assert.Equal("JsonPathInvalid", Assert.Throws<MigrationException>(() => JsonPath.Parse(path)).ErrorId);

    [Fact]
    public void An_address_with_a_secret_and_a_path_without_an_expectation_are_refused_without_quoting()
    {
        var address = Assert.Throws<MigrationException>(() => new HttpGate(new Uri("https://me:hunter2@host/")) { Name = "x" });
        var path = Assert.Throws<MigrationException>(() => new HttpGate(new Uri("https://host/"), path: JsonPath.Parse("$.a")) { Name = "x" });

        Assert.Equal(("GateAddressInvalid", "GateExpectationMissing"), (address.ErrorId, path.ErrorId));
        Assert.DoesNotContain("hunter2", address.Message, StringComparison.Ordinal);
    }
}
