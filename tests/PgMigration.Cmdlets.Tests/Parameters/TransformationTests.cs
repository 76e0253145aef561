using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Parameters read what people type, and refuse the rest without repeating a secret.</summary>
[Collection(nameof(TestCmdlets))]
public sealed class TransformationTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithTestCmdlets();

    [Theory]
    [InlineData("30", "00:00:30")]
    [InlineData("0.5", "00:00:00.5000000")]
    [InlineData("'30'", "00:00:30")]
    [InlineData("30s", "00:00:30")]
    [InlineData("500ms", "00:00:00.5000000")]
    [InlineData("5m", "00:05:00")]
    [InlineData("2h", "02:00:00")]
    [InlineData("1h30m", "01:30:00")]
    [InlineData("'1d'", "1.00:00:00")]
    [InlineData("00:00:10", "00:00:10")]
    [InlineData("([timespan]::FromMinutes(1))", "00:01:00")]
    public void A_duration_is_read_as_it_is_typed(string typed, string expected) =>
        Assert.Equal(TimeSpan.Parse(expected, null), Assert.Single(_engine.Run($"Get-TestValue -Duration {typed}")).BaseObject);

    [Theory]
    [InlineData("soon")]
    [InlineData("-5")]
    [InlineData("''")]
    [InlineData("30x")]
    [InlineData("$true")]
    public void What_is_no_duration_is_refused(string typed) =>
        Assert.Contains("is not a duration", _engine.Fails($"Get-TestValue -Duration {typed}").Exception.Message, StringComparison.Ordinal);

    [Fact]
    public void An_unquoted_1d_which_the_engine_takes_for_the_number_1_is_not_taken_for_a_second() =>
        Assert.Contains("'1d' in quotes", _engine.Fails("Get-TestValue -Duration 1d").Exception.Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("Get-TestValue -Duration 500us", "unquoted 500us")]
    [InlineData("Get-TestValue -Duration 5y", "unquoted 5y")]
    [InlineData("Get-TestValue -Size 2000s", "unquoted 2000s")]
    [InlineData("Get-TestValue -Size 16d", "unquoted 16d")]
    public void A_number_with_a_suffix_of_the_engines_own_is_not_taken_for_one_without(string script, string expected) =>
        Assert.Contains(expected, _engine.Fails(script).Exception.Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("8192", 8192)]
    [InlineData("'16MB'", 16L << 20)]
    [InlineData("16MB", 16L << 20)]
    [InlineData("'1.5 GiB'", 3L << 29)]
    [InlineData("64kB", 64L << 10)]
    [InlineData("3TB", 3L << 40)]
    public void A_size_is_read_as_it_is_typed(string typed, long expected) =>
        Assert.Equal(expected, Assert.Single(_engine.Run($"Get-TestValue -Size {typed}")).BaseObject);

    [Theory]
    [InlineData("'16MX'")]
    [InlineData("-1")]
    [InlineData("'99999999PB'")]
    public void What_is_no_size_is_refused(string typed) =>
        Assert.Contains("is not a size", _engine.Fails($"Get-TestValue -Size {typed}").Exception.Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("Get-TestValue -Server postgres://app:hunter2@db:5433/app")]
    [InlineData("Get-TestValue -Server ([uri]'postgres://app:hunter2@db:5433/app')")]
    [InlineData("'postgres://app:hunter2@db:5433/app' | Get-TestValue")]
    [InlineData("Get-TestValue -Server (Get-TestValue -Server postgres://app:hunter2@db:5433/app -Raw)")]
    public void A_server_is_read_from_its_address_named_and_piped(string script) =>
        Assert.Equal("postgres://app@db:5433/app", Assert.Single(_engine.Run(script)).BaseObject);

    [Theory]
    [InlineData("Get-TestValue -Server $args[0]")]
    [InlineData("$args[0] | Get-TestValue")]
    public void A_server_that_came_over_remoting_is_read_from_its_properties(string script)
    {
        var server = Assert.Single(_engine.Run("Get-TestValue -Server postgres://app:hunter2@db:5433/app -Raw"));
        var overTheWire = (PSObject)PSSerializer.Deserialize(PSSerializer.Serialize(server));
        Assert.Contains("Deserialized.PgMigration.PgServer", overTheWire.TypeNames);

        Assert.StartsWith("postgres://app@db:5433/app", (string)Assert.Single(_engine.Run(script, overTheWire)).BaseObject, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Get-TestValue -Server 'postgrez://app:hunter2@db/app'")]
    [InlineData("Get-TestValue -Server 'postgres://app:hunter2@db:port/app'")]
    [InlineData("Get-TestValue -Server 'host=db password=hunter2 sslmode=perhaps'")]
    [InlineData("Get-TestValue -Server @('postgrez://app:hunter2@db/app')")]
    [InlineData("'postgrez://app:hunter2@db/app' | Get-TestValue")]
    [InlineData("Get-TestValue -Server @{ Password = 'hunter2' }")]
    public void A_refused_server_is_not_repeated(string script)
    {
        var error = _engine.Fails(script);

        Assert.DoesNotContain("hunter2", $"{error} {error.Exception} {error.ErrorDetails}", StringComparison.Ordinal);
    }

    public void Dispose() => _engine.Dispose();
}
