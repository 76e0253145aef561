using System.Text.Json;

namespace PgMigration.Wal;

public sealed class ArchiveAccessTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"pgm-access-{Guid.NewGuid():N}.json");

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("s3://wal-bucket/prod", "wal-bucket", "prod", "s3://wal-bucket/prod")]
    [InlineData("s3://wal-bucket/a/b/", "wal-bucket", "a/b", "s3://wal-bucket/a/b")]
    [InlineData("s3://wal-bucket/a//b", "wal-bucket", "a//b", "s3://wal-bucket/a//b")]
    [InlineData("S3://wal-bucket", "wal-bucket", "", "s3://wal-bucket")]
    [InlineData(" s3://wal.bucket/ ", "wal.bucket", "", "s3://wal.bucket")]
    public void A_bucket_is_read(string text, string bucket, string prefix, string url)
    {
        var location = ArchiveLocation.Parse(text);
        Assert.Equal((bucket, prefix, url, true), (location.Bucket, location.Prefix, location.Url, location.IsS3));
    }

    [Theory]
    [InlineData("file:///var/lib/archive", "/var/lib/archive")]
    [InlineData("file://localhost/var/lib/archive/", "/var/lib/archive")]
    [InlineData("/var/lib/archive", "/var/lib/archive")]
    [InlineData("file:///with%20space/x", "/with space/x")]
    public void A_folder_is_read(string text, string folder)
    {
        var location = ArchiveLocation.Parse(text);
        Assert.Equal((Path.GetFullPath(folder), false), (location.Folder, location.IsS3));
        Assert.Equal(location, ArchiveLocation.Parse(location.Url));
    }

    [Theory]
    [InlineData("")]
    [InlineData("wal-bucket/prod")]
    [InlineData("./relative")]
    [InlineData("s3://")]
    [InlineData("s3:///prefix")]
    [InlineData("s3://bad bucket/prefix")]
    [InlineData("s3://bucket/../b")]
    [InlineData("file://host/path")]
    [InlineData("file://relative")]
    [InlineData("gs://bucket/prefix")]
    public void Anything_else_is_refused_with_what_was_expected(string text)
    {
        var error = Assert.Throws<MigrationException>(() => ArchiveLocation.Parse(text));
        Assert.Equal(("ArchiveAddressInvalid", MigrationErrorKind.InvalidArgument), (error.ErrorId, error.Kind));
        Assert.Contains("s3://bucket/prefix", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3://AKIA:topsecret@bucket/prefix")]
    [InlineData("postgres://u:topsecret@host/db")]
    [InlineData("https://u:topsecret@host/db")]
    public void A_secret_in_an_address_is_not_repeated(string text) =>
        Assert.DoesNotContain("topsecret", Assert.Throws<MigrationException>(() => ArchiveAccess.To(text)).ToString(), StringComparison.Ordinal);

    [Theory]
    [InlineData("http://u:topsecret@127.0.0.1:9000")]
    [InlineData("minio:9000")]
    [InlineData("ftp://host")]
    [InlineData("http://host/?token=topsecret")]
    public void A_wrong_endpoint_is_refused_and_not_repeated(string text)
    {
        var error = Assert.Throws<MigrationException>(() => ArchiveAccess.ParseEndpoint(text));
        Assert.Equal("EndpointInvalid", error.ErrorId);
        Assert.DoesNotContain("topsecret", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Access_is_saved_for_its_owner_alone_and_loaded_again()
    {
        var access = new ArchiveAccess
        {
            Location = ArchiveLocation.Parse("s3://wal-bucket/prod"), Endpoint = new Uri("https://minio.example:9000"), PathStyle = true, Region = "eu-central-1",
        }.WithKeys("AKIA1", "topsecret", "toptoken");

        access.Save(_file);
        access.Save(_file); // over the one that is there

        Assert.Equal(access, ArchiveAccess.Load(_file));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_file));
        }
    }

    [Fact]
    public void Keys_that_nobody_gave_are_not_saved()
    {
        var access = ArchiveAccess.To("s3://wal-bucket/prod") with { Profile = "prod" };

        access.Save(_file);

        string text = File.ReadAllText(_file);
        Assert.Contains("\"profile\": \"prod\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("ccessKey", text, StringComparison.Ordinal);
        Assert.False(ArchiveAccess.Load(_file).HasKeys);
    }

    [Fact]
    public void The_text_of_an_access_shows_no_secret()
    {
        var access = ArchiveAccess.To("s3://wal-bucket/prod").WithKeys("AKIA1", "topsecret", "toptoken") with { Region = "eu-central-1" };

        Assert.Equal("s3://wal-bucket/prod in eu-central-1 with given keys", access.ToString());
        Assert.DoesNotContain("topsecret", JsonSerializer.Serialize(new { access.Location, access.Profile, text = access.ToString() }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"location\":\"gs://topsecret\"}")]
    [InlineData("{\"location\":\"s3://b/p\",\"secretAccessKey\":{\"topsecret\":1}}")]
    public void A_damaged_file_is_an_error_that_repeats_nothing_of_it(string text)
    {
        File.WriteAllText(_file, text);
        var error = Assert.Throws<MigrationException>(() => ArchiveAccess.Load(_file));
        Assert.Equal("ArchiveFileInvalid", error.ErrorId);
        Assert.DoesNotContain("topsecret", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_user_gets_the_region_and_the_keys_of_a_profile_that_it_could_not_read()
    {
        File.WriteAllText(_file, "[prod]\naws_access_key_id = AKIA1\naws_secret_access_key = topsecret\nregion = eu-west-3\n");
        var watch = new WatchedWarnings();
        var access = ArchiveAccess.To("s3://wal-bucket/prod") with { Profile = "prod", ProfileFile = _file };

        var portable = access.ForAnotherUser(watch);

        Assert.Equal(access.WithKeys("AKIA1", "topsecret") with { Profile = null, ProfileFile = null, Region = "eu-west-3" }, portable);
        Assert.Empty(watch.Warnings);
    }

    [Fact]
    public void Another_user_gets_all_that_it_takes_to_assume_a_role()
    {
        File.WriteAllText(_file, "[prod]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\nregion = eu-west-3\n[base]\naws_access_key_id = AKIA1\naws_secret_access_key = topsecret\n");
        var watch = new WatchedWarnings();

        var portable = (ArchiveAccess.To("s3://wal-bucket/prod") with { Profile = "prod", ProfileFile = _file }).ForAnotherUser(watch);

        var role = Assert.IsType<RoleSource>(portable.Source);
        Assert.Equal(("arn:aws:iam::123456789012:role/r", "eu-west-3", "AKIA1"), (role.RoleArn, role.Region, Assert.IsType<KeySource>(role.Source).AccessKeyId));
        Assert.Empty(watch.Warnings);
        Assert.DoesNotContain("topsecret", portable.ToString() + role + role.Source, StringComparison.Ordinal);
    }

    [Fact]
    public void A_role_of_temporary_keys_is_told_to_end()
    {
        File.WriteAllText(_file, "[prod]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n[base]\naws_access_key_id = ASIA1\naws_secret_access_key = topsecret\naws_session_token = token\n");
        var watch = new WatchedWarnings();

        _ = (ArchiveAccess.To("s3://wal-bucket/prod") with { Region = "eu-west-3", Profile = "prod", ProfileFile = _file }).ForAnotherUser(watch);

        Assert.Contains("'prod'", Assert.Single(watch.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_the_same_for_every_user()
    {
        var access = ArchiveAccess.To("/var/lib/archive");
        Assert.Same(access, access.ForAnotherUser(IMigrationObserver.None));
    }

    [Fact]
    public void A_profile_that_does_not_exist_is_named()
    {
        var error = Assert.Throws<MigrationException>(() => ArchiveStorage.Open(ArchiveAccess.To("s3://b1x/p") with { Profile = "no-such-profile", Region = "eu-central-1" }));
        Assert.Equal("ProfileNotFound", error.ErrorId);
        Assert.Contains("no-such-profile", error.Message, StringComparison.Ordinal);
    }
}
