namespace PgMigration.Tests;

[Collection(EnvironmentCollection.Name)]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class PgServerFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-files-").FullName;
    private readonly Dictionary<string, string?> _before = [];

    public void Dispose()
    {
        foreach (var (name, value) in _before)
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("h:5432:d:u:plain", "plain")]
    [InlineData("*:*:*:*:any", "any")]
    [InlineData("# comment\nother:5432:d:u:no\nh:*:d:u:second\n*:*:*:*:third", "second")]
    [InlineData(@"h:5432:d:u:a\:b\\c", @"a:b\c")]
    [InlineData("h:5432:d:u:with:colons", "with:colons")]
    [InlineData("h:5432:d:u:", null)]
    [InlineData("h:5432:d", null)]
    [InlineData("h:5433:*:*:no", null)]
    [InlineData(@"\*:5432:d:u:literal", null)]
    public void The_first_line_of_the_password_file_that_matches_counts(string lines, string? password)
    {
        string file = Private("pgpass", lines);
        Set("PGPASSFILE", file);

        Assert.Equal(password, PgServer.Parse("postgres://u@h/d").FindPassword());
        Assert.Equal(password, new PgServer("h", 5432, "d", "u").WithPasswordFile(file).FindPassword());
    }

    [Fact]
    public void A_given_secret_goes_before_the_environment_and_that_before_the_password_file()
    {
        Set("PGPASSFILE", Private("pgpass", "*:*:*:*:file"));
        Assert.Equal("file", PgServer.Parse("postgres://u@h/d").FindPassword());

        Set("PGPASSWORD", "environment");
        Assert.Equal("environment", PgServer.Parse("postgres://u@h/d").FindPassword());
        Assert.Equal("given", PgServer.Parse("postgres://u:given@h/d").FindPassword());
    }

    [Fact]
    public void A_password_file_that_others_may_read_is_not_used_and_says_so()
    {
        string file = Private("pgpass", "*:*:*:*:file");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Set("PGPASSFILE", file);
        var server = PgServer.Parse("postgres://u@h/d");

        Assert.Null(server.FindPassword());
        Assert.Contains("chmod 0600", Assert.Single(server.Warnings), StringComparison.Ordinal);
        Assert.Empty(server.WithPassword("given").Warnings);
    }

    [Fact]
    public void A_service_gives_what_the_text_leaves_out()
    {
        Set("PGSERVICEFILE", Private("services", "# ours\n[other]\nhost=no\n\n[shop]\nhost=db\nport=6432\nuser=app\npassword=hunter2\ndbname=shop\nsslmode=require\n[last]\nhost=no\n"));
        var server = PgServer.Parse("service=shop dbname=archive");

        Assert.Equal("postgres://app@db:6432/archive?sslmode=require", server.ToString());
        Assert.Equal("hunter2", server.FindPassword());
        Assert.Equal(server, PgServer.Parse("postgres:///archive?service=shop"));
    }

    [Fact]
    public void A_service_that_the_user_has_not_is_looked_up_in_the_system_s_file()
    {
        Set("PGSERVICEFILE", Private("services", "[other]\nhost=no\n"));
        Set("PGSYSCONFDIR", _folder);
        Private("pg_service.conf", "[shop]\nhost=db\nuser=app\n");

        Assert.Equal("db", PgServer.Parse("service=shop").Host);
        Assert.Equal("ServiceNotFound", Assert.Throws<MigrationException>(() => PgServer.Parse("service=shoppe")).ErrorId);
    }

    [Theory]
    [InlineData("[shop]\nhost db hunter2")]
    [InlineData("[shop]\nservice=again")]
    [InlineData("[shop]\nhots=db")]
    public void A_wrong_line_of_the_service_file_is_named_by_its_number(string lines)
    {
        Set("PGSERVICEFILE", Private("services", lines));
        var error = Assert.Throws<MigrationException>(() => PgServer.Parse("service=shop"));

        Assert.Equal("ServiceFileInvalid", error.ErrorId);
        Assert.Contains("line 2", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_environment_may_demand_more_of_TLS_than_the_text_says()
    {
        Set("PGSSLMODE", "verify-full");

        Assert.Equal("verify-full", PgServer.Parse("postgres://u@h/d").SslMode);
        Assert.Equal("require", PgServer.Parse("postgres://u@h/d?sslmode=require").SslMode);
    }

    private void Set(string name, string value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }

    private string Private(string name, string content)
    {
        string file = Path.Combine(_folder, name);
        File.WriteAllText(file, content);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }
}
