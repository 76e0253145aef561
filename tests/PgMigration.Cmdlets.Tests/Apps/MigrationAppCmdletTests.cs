namespace PgMigration.Cmdlets.Tests;

/// <summary>New-MigrationApp, as it is typed.</summary>
public sealed class MigrationAppCmdletTests : IDisposable
{
    private const string Token = "([Net.NetworkCredential]::new('', 'hunter2').SecurePassword)";

    private readonly HostedEngine _engine = HostedEngine.WithModule();

    [Theory]
    [InlineData("$env:HEROKU_API_KEY = ''; New-MigrationApp -Heroku shop", "HerokuTokenMissing", "HEROKU_API_KEY")]
    [InlineData("New-MigrationApp -Heroku shop -Token " + Token + " -ApiUrl http://api.example.com", "HerokuApiUrlInvalid", "https://")]
    [InlineData("New-MigrationApp -Heroku 'shop/../account' -Token " + Token, "HerokuAppNameInvalid", "hyphens")]
    [InlineData("New-MigrationApp -PgBouncer postgres://a@h1/pgbouncer, postgres://a@h2/pgbouncer -Database shop -ConfigFile a, b, c", "PoolersDoNotMatch", "3 values for 2 poolers")]
    [InlineData("$mine = 1; New-MigrationApp -Heroku shop -Token " + Token + " -SmokeTest { $mine }", "ScriptBlockNotSelfContained", "-ArgumentList")]
    [InlineData("$one = New-MigrationApp -Heroku shop -Token " + Token + " -SmokeTest { 1 }; New-MigrationApp -Group $one", "SmokeTestInGroup", "group")]
    public void What_could_not_work_is_refused_when_the_app_is_described(string script, string id, string says)
    {
        var error = _engine.Fails(script);

        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(says, error.Exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", $"{error} {error.Exception} {error.TargetObject}", StringComparison.Ordinal);
    }

    [Fact]
    public void Several_poolers_and_several_apps_are_one()
    {
        Assert.Equal("2 PgBouncer|2 PgBouncer + Heroku|/tmp/a.ini /tmp/a.ini", Text($$"""
            $poolers = New-MigrationApp -PgBouncer postgres://a@h1/pgbouncer, postgres://a@h2/pgbouncer -Database shop -ConfigFile /tmp/a.ini
            $all = New-MigrationApp -Group $poolers.Apps[0], $poolers.Apps[1], (New-MigrationApp -Heroku shop -Token {{Token}})
            "$($poolers.Kind)|$($all.Kind)|$($poolers.Apps.ConfigFile)"
            """));
    }

    [Fact]
    public async Task An_app_on_Heroku_shows_no_token()
    {
        var (exitCode, shown, errors) = await ShellRun.ToEndAsync("-Command", $$"""
            $app = New-MigrationApp -Heroku shop -Token {{Token}} -ConfigVar DATABASE_URL, REPORTS_URL -ProcessType web
            $app
            New-MigrationApp -Group $app
            $app.PSObject.Properties.ForEach{ "$($_.Name) = $($_.Value)" }
            """);

        Assert.Equal((0, string.Empty), (exitCode, errors));
        Assert.Matches(@"Kind +: Heroku\s+Name +: shop\s+ConfigVars +: .*DATABASE_URL, REPORTS_URL", shown);
        Assert.DoesNotContain("hunter2", shown, StringComparison.Ordinal);
    }

    public void Dispose() => _engine.Dispose();

    private string Text(string script) => string.Join('\n', _engine.Run(script).Select(line => line.ToString()));
}
