namespace PgMigration.Cmdlets.Tests;

/// <summary>New-, Test- and Wait-MigrationGate, as they are typed.</summary>
public sealed class MigrationGateCmdletTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();

    [Theory]
    [InlineData("$true", "True true")]
    [InlineData("$false", "False false")]
    [InlineData("'True'", "False True, which is no boolean")]
    [InlineData("1", "False 1, which is no boolean")]
    [InlineData("", "False nothing written")]
    [InlineData("$null", "False no value (null)")]
    [InlineData("'noise'; $true", "False 2 objects written, expected one")]
    [InlineData("throw 'not tonight'", "False The script block of the gate failed: not tonight")]
    [InlineData("/bin/false; $true", "False The script block of the gate failed: Program \"false\" ended with non-zero exit code: 1")]
    public void A_script_block_holds_only_when_it_writes_true_and_nothing_else(string block, string row) =>
        Assert.StartsWith(row, Text($"Test-MigrationGate {{ {block} }} | ForEach-Object {{ \"$($_.Passed) $($_.Seen)\" }}"), StringComparison.Ordinal);

    [Fact]
    public void A_script_block_that_hangs_is_a_no_at_its_deadline()
    {
        Assert.Equal("False no answer within 0.3 s", Text("New-MigrationGate -ScriptBlock { [Threading.Thread]::Sleep(20000); $true } -Timeout 300ms | Test-MigrationGate | ForEach-Object { \"$($_.Passed) $($_.Seen)\" }"));
    }

    [Fact]
    public void A_gate_that_is_asked_several_times_at_once_answers_each()
    {
        Assert.Equal("True true\nTrue true\nTrue true", Text("$gate = New-MigrationGate -ScriptBlock { [Threading.Thread]::Sleep(100); $true }; $gate, $gate, $gate | Test-MigrationGate | ForEach-Object { \"$($_.Passed) $($_.Seen)\" }"));
    }

    [Fact]
    public void A_script_block_gets_its_arguments_and_bounds()
    {
        Assert.Equal("True 7 above 6 and below 8 from the script block", Text("New-MigrationGate -ScriptBlock { param($a, $b) $a + $b } -ArgumentList 3, 4 -Above 6 -Below 8 | Test-MigrationGate | ForEach-Object { \"$($_.Passed) $($_.Seen) $($_.Expected)\" }"));
    }

    [Theory]
    [InlineData("$mine = 1; New-MigrationGate -ScriptBlock { $mine -eq 1 }", "ScriptBlockNotSelfContained", @"\$mine")]
    [InlineData("function Get-Mine { $true }; New-MigrationGate -ScriptBlock { Get-Mine }", "ScriptBlockNotSelfContained", "Get-Mine")]
    [InlineData("New-MigrationGate -ScriptBlock { exit 1 }", "ScriptBlockExits", "throw")]
    [InlineData("New-MigrationGate -Http https://host/ -JsonPath '$.a'", "GateExpectationMissing", "-Below")]
    [InlineData("New-MigrationGate -Http https://host/ -JsonPath '$..a' -Below 1", "JsonPathInvalid", "character 3")]
    [InlineData("New-MigrationGate -StatusPage status.example.com", "GateAddressInvalid", "https://")]
    public void A_gate_that_could_never_hold_is_refused_when_it_is_made(string script, string id, string says)
    {
        var error = _engine.Fails(script);

        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Matches(says, error.Exception.Message);
    }

    [Fact]
    public void A_plain_script_block_in_place_of_a_gate_is_checked_too()
    {
        var error = _engine.Fails("$mine = 1; Test-MigrationGate { $mine }");

        Assert.Contains("$mine", error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_gates_are_one_row_each_with_what_was_seen_and_expected()
    {
        using var page = TestHttp.Saying(() => """{"status":{"indicator":"major","description":"Down"},"rate":0.2}""");

        Assert.Equal("""
            tracker False indicator 'major' (Down) True
            rate True $.rate = 0.2 True
            { $true } True true True
            """.ReplaceLineEndings("\n"), Text("""
            $tracker = New-MigrationGate -StatusPage $args[0] -Name tracker
            $rate = New-MigrationGate -Http $args[0] -Header @{ Authorization = [Net.NetworkCredential]::new('', 'hunter2').SecurePassword } -JsonPath '$.rate' -Below 0.5 -Name rate
            $tracker, $rate, { $true } | Test-MigrationGate | ForEach-Object { "$($_.Name -eq '$true' ? '{ $true }' : $_.Name) $($_.Passed) $($_.Seen) $($_.Took -is [timespan])" }
            """, page.Address));
    }

    [Fact]
    public void Waiting_returns_the_answers_once_all_hold_and_an_error_when_the_time_is_up()
    {
        int asked = 0;
        using var page = TestHttp.Saying(() => $$$"""{"status":{"indicator":"{{{(Interlocked.Increment(ref asked) < 3 ? "major" : "none")}}}"}}""");

        Assert.Equal("indicator 'none'", Text("(New-MigrationGate -StatusPage $args[0] | Wait-MigrationGate -MaxInterval 10ms).Seen", page.Address));
        var error = _engine.Fails("Wait-MigrationGate { $false } -Timeout 50ms");

        Assert.StartsWith("GateWaitTimedOut,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(3, asked);
    }

    [Fact]
    public void Ctrl_C_ends_a_wait()
    {
        using var asked = new ManualResetEventSlim();
        using var page = TestHttp.Saying(() =>
        {
            asked.Set();
            return """{"status":{"indicator":"major"}}""";
        });
        using var pipeline = _engine.Pipeline("New-MigrationGate -StatusPage $args[0] | Wait-MigrationGate", page.Address);
        var running = pipeline.BeginInvoke();
        Assert.True(asked.Wait(TimeSpan.FromSeconds(30)));

        pipeline.Stop();

        Assert.Equal(System.Management.Automation.PSInvocationState.Stopped, pipeline.InvocationStateInfo.State);
        Assert.True(running.IsCompleted);
    }

    [Fact]
    public async Task No_header_and_no_query_of_an_address_is_in_what_a_gate_shows()
    {
        var (exitCode, shown, errors) = await ShellRun.ToEndAsync("-Command", """
            $gate = New-MigrationGate -Http 'http://127.0.0.1:1/metrics?key=hunter2' -Header @{ 'X-Key' = 'hunter3' } -JsonPath '$.a' -Below 1
            $gate
            Test-MigrationGate $gate | Out-Default # of its own: behind objects of another type the engine shows a list
            $gate.PSObject.Properties.ForEach{ "$($_.Name) = $($_.Value)" }
            """);

        Assert.Equal((0, string.Empty), (exitCode, errors));
        Assert.DoesNotMatch("hunter[23]", shown);
        Assert.Matches(@"Gate +Kind +Looks in a row +Expected", shown);
        Assert.Matches(@"Gate +Passed +Took \(ms\) +Seen", shown);
        Assert.Contains("Address = http://127.0.0.1:1/metrics", shown, StringComparison.Ordinal);
    }

    public void Dispose() => _engine.Dispose();

    private string Text(string script, params object[] arguments) => string.Join('\n', _engine.Run(script, arguments).Select(line => line.ToString())).ReplaceLineEndings("\n");
}
