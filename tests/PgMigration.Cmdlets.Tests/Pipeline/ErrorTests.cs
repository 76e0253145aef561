using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Errors have ids and categories that scripts can rely on, and never a secret.</summary>
[Collection(nameof(TestCmdlets))]
public sealed class ErrorTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithTestCmdlets();

    [Theory]
    [InlineData("InvalidArgument", "TestFailed", ErrorCategory.InvalidArgument)]
    [InlineData("NotFound", "TestFailed", ErrorCategory.ObjectNotFound)]
    [InlineData("Connection", "TestFailed", ErrorCategory.ConnectionError)]
    [InlineData("PermissionDenied", "TestFailed", ErrorCategory.PermissionDenied)]
    [InlineData("InvalidData", "TestFailed", ErrorCategory.InvalidData)]
    [InlineData("InvalidOperation", "TestFailed", ErrorCategory.InvalidOperation)]
    [InlineData("Timeout", "TestFailed", ErrorCategory.OperationTimeout)]
    [InlineData("ResourceUnavailable", "TestFailed", ErrorCategory.ResourceUnavailable)]
    [InlineData("NotSupported", "TestFailed", ErrorCategory.NotImplemented)]
    [InlineData("DiskFull", "DiskFull", ErrorCategory.ResourceUnavailable)]
    [InlineData("Missing", "PathNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Socket", "NetworkUnreachable", ErrorCategory.ConnectionError)]
    [InlineData("Login", "Postgres28P01", ErrorCategory.AuthenticationError)]
    [InlineData("Right", "Postgres42501", ErrorCategory.PermissionDenied)]
    [InlineData("Npgsql", "PostgresConnection", ErrorCategory.ConnectionError)]
    [InlineData("TimedOut", "TimedOut", ErrorCategory.OperationTimeout)]
    public void A_failure_has_its_id_and_a_fitting_category(string way, string errorId, ErrorCategory category)
    {
        var error = _engine.Fails("Test-Failure $args[0]", way);

        Assert.Equal($"{errorId},PgMigration.Cmdlets.TestFailureCommand", error.FullyQualifiedErrorId);
        Assert.Equal(category, error.CategoryInfo.Category);
    }

    [Fact]
    public void A_reported_failure_names_its_target_and_the_work_goes_on()
    {
        using var pipeline = _engine.Pipeline("Test-Failure Timeout -GoOn");

        Assert.Equal("went on", Assert.Single(pipeline.Invoke()).BaseObject);
        var error = Assert.Single(pipeline.Streams.Error);
        Assert.Equal("the target", error.TargetObject);
        Assert.Equal("It failed as Timeout.", error.Exception.Message);
    }

    [Fact]
    public async Task A_reported_failure_that_a_script_catches_is_not_shown_as_well()
    {
        var (exitCode, output, errors) = await ShellRun.ToEndAsync("-Command", "try { Test-PgServer postgres://app@127.0.0.1:1/shop -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }");

        Assert.Equal((0, "ServerUnreachable,PgMigration.Cmdlets.TestPgServerCommand", string.Empty), (exitCode, output.Trim(), errors));
    }

    [Fact]
    public void A_secret_in_a_text_that_is_not_ours_does_not_pass()
    {
        var error = _engine.Fails("Test-Failure Secret");

        string everything = $"{error} {error.Exception} {error.Exception.InnerException}";
        Assert.Contains("postgres://app:***@db/app", everything, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter", everything, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("could not read 'host=db password=hunter2', then", "could not read 'host=db password=***', then")]
    [InlineData("(PGPASSWORD=hunter2)", "(PGPASSWORD=***)")]
    [InlineData("password=hunt'er,2 host=db", "password=*** host=db")]
    [InlineData("password='hunt er2' host=db", "password=*** host=db")]
    [InlineData("%2Fshop%3Fpassword%3Dhunter2 failed", "%2Fshop%3Fpassword%3D*** failed")]
    [InlineData("?user=app;password=hunter2&sslmode=require", "?user=app;password=***&sslmode=require")]
    public void A_secret_is_blotted_out_and_the_sentence_around_it_stands(string text, string expected) =>
        Assert.Equal(expected, _engine.Fails("Test-Failure $args[0]", $"Text {text}").Exception.Message);

    public void Dispose() => _engine.Dispose();
}
