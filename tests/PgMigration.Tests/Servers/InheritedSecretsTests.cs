using System.Diagnostics;
using PgMigration.Wal;

namespace PgMigration.Tests;

public sealed class InheritedSecretsTests : IDisposable
{
    private readonly RestoreLayout _layout = new(Directory.CreateTempSubdirectory("pgm-secrets-").FullName);

    public void Dispose() => Directory.Delete(_layout.DataDirectory, recursive: true);

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Keys_of_the_environment_go_along_only_when_the_restore_holds_none(bool holdsKeys, bool goAlong)
    {
        Directory.CreateDirectory(_layout.Folder);
        var access = new ArchiveAccess { Location = ArchiveLocation.Parse("s3://bucket/prefix") };
        (holdsKeys ? access.WithKeys("id", "secret") : access).Save(_layout.ArchiveFile);
        var start = new ProcessStartInfo("true");
        start.Environment["AWS_SECRET_ACCESS_KEY"] = "secret of the session";
        start.Environment["AWS_SESSION_TOKEN"] = "token of the session";
        start.Environment["AWS_REGION"] = "eu-central-1";
        start.Environment["WALG_LIBSODIUM_KEY"] = "key of the archive";

        InheritedSecrets.Remove(start, _layout.DataDirectory);

        Assert.Equal(goAlong, start.Environment.ContainsKey("AWS_SECRET_ACCESS_KEY"));
        Assert.Equal(goAlong, start.Environment.ContainsKey("AWS_SESSION_TOKEN"));
        Assert.True(start.Environment.ContainsKey("AWS_REGION"));
        Assert.False(start.Environment.ContainsKey("WALG_LIBSODIUM_KEY"));
    }

    [Theory]
    [InlineData("DATABASE_URL", false)]
    [InlineData("PGPASSWORD", false)]
    [InlineData("STRIPE_KEY", false)]
    [InlineData("PATH", true)]
    [InlineData("LC_ALL", true)]
    [InlineData("https_proxy", true)]
    [InlineData("WALG_S3_PREFIX", true)]
    [InlineData("WALG_LIBSODIUM_KEY", false)]
    public void A_server_inherits_what_it_needs_and_nothing_else_of_the_session(string variable, bool goesAlong)
    {
        var start = new ProcessStartInfo("true");
        start.Environment[variable] = "value of the session";

        InheritedSecrets.Remove(start, _layout.DataDirectory);

        Assert.Equal(goesAlong, start.Environment.ContainsKey(variable));
    }
}
