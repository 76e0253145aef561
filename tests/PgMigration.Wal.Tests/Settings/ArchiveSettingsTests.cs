using System.Text.Json;

namespace PgMigration.Wal;

public sealed class ArchiveSettingsTests : IDisposable
{
    private const string LibsodiumKey = "a key of more than 25 letters";
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-settings-").FullName;
    private readonly Dictionary<string, string> _environment = [];
    private readonly WatchedWarnings _watch = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("WALG_S3_PREFIX", "s3://bucket/prod", "s3://bucket/prod")]
    [InlineData("WALE_S3_PREFIX", "s3://bucket/prod/", "s3://bucket/prod")]
    [InlineData("WALG_FILE_PREFIX", "/backup/prod", "file:///backup/prod")]
    public void The_archive_is_the_one_that_the_environment_names(string name, string value, string url)
    {
        _environment[name] = value;
        Assert.Equal(url, Read().To().Location.Url);
        Assert.Equal("file:///elsewhere", Read().To("/elsewhere").Location.Url); // what the caller says goes first
    }

    [Fact]
    public void Version_1_of_the_list_request_is_chosen_by_its_setting()
    {
        Assert.False(Read().To("s3://bucket/prod").UsesListV1);

        _environment["WALG_S3_USE_LIST_OBJECTS_V1"] = "true";

        Assert.True(Read().To("s3://bucket/prod").UsesListV1);
    }

    [Fact]
    public void The_file_is_read_the_environment_goes_before_it_and_an_empty_variable_is_none()
    {
        string file = Config(new { WALG_S3_PREFIX = "s3://of-file/prod", AWS_REGION = "eu-central-1", AWS_S3_FORCE_PATH_STYLE = true, walg_download_concurrency = 7, AWS_ENDPOINT = "http://127.0.0.1:1" });
        _environment["WALG_S3_PREFIX"] = "s3://of-environment/prod";
        _environment["AWS_ENDPOINT"] = string.Empty;

        var settings = Read(file);
        var access = settings.To();

        Assert.Equal("s3://of-environment/prod", access.Location.Url);
        Assert.Equal(("eu-central-1", true, new Uri("http://127.0.0.1:1")), (access.Region, access.PathStyle, access.Endpoint));
        Assert.Equal(7, settings.DownloadConcurrency);
    }

    [Fact]
    public void The_file_is_found_by_the_variable_that_WAL_G_knows()
    {
        _environment["WALG_CONFIG_PATH"] = Config(new { WALG_FILE_PREFIX = "/backup/prod", WALG_STORAGE_PREFIX = "shard1" });
        var settings = Read();
        Assert.Equal("file:///backup/prod/shard1", settings.To().Location.Url);
        Assert.Equal(_environment["WALG_CONFIG_PATH"], settings.File);
    }

    [Fact]
    public void The_file_in_the_home_is_used_as_WAL_G_does_and_one_that_is_no_JSON_is_a_warning()
    {
        string file = Path.Combine(_folder, ".walg.json");
        File.WriteAllText(file, """{"WALG_FILE_PREFIX": "/backup/prod"}""");
        Assert.Equal("file:///backup/prod", Read().To().Location.Url);

        File.WriteAllText(file, "no JSON");
        Assert.Null(Read().File);
        Assert.Contains(file, Assert.Single(_watch.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_of_the_file_are_taken_along_and_those_of_the_environment_stay_where_they_are()
    {
        string file = Config(new { AWS_ACCESS_KEY_ID = "id of file", AWS_SECRET_ACCESS_KEY = "secret of file", AWS_SESSION_TOKEN = "token of file" });

        var ofFile = Read(file).To("s3://bucket/prod");
        Assert.Equal(("id of file", "secret of file", "token of file"), (ofFile.AccessKeyId, ofFile.SecretAccessKey, ofFile.SessionToken));

        _environment["AWS_ACCESS_KEY_ID"] = "id";
        _environment["AWS_SECRET_ACCESS_KEY"] = "secret";
        Assert.False(Read(file).To("s3://bucket/prod").HasKeys);
    }

    [Fact]
    public void Variables_of_an_attachment_go_before_others_and_take_no_token_of_others()
    {
        _environment["HEROKU_POSTGRESQL_AMBER_AWS_ACCESS_KEY_ID"] = "id of amber";
        _environment["HEROKU_POSTGRESQL_AMBER_AWS_SECRET_ACCESS_KEY"] = "secret of amber";
        _environment["HEROKU_POSTGRESQL_AMBER_WALE_S3_PREFIX"] = "s3://amber/prod";
        _environment["WALE_S3_PREFIX"] = "s3://mine/prod";
        _environment["AWS_SESSION_TOKEN"] = "my own token";

        var access = Read(prefix: "HEROKU_POSTGRESQL_AMBER").To();

        Assert.Equal(("s3://amber/prod", "id of amber", "secret of amber", null), (access.Location.Url, access.AccessKeyId, access.SecretAccessKey, access.SessionToken));
    }

    [Fact]
    public void A_key_is_found_as_a_value_and_by_a_path()
    {
        string path = Path.Combine(_folder, "key");
        File.WriteAllText(path, LibsodiumKey + "\n");
        var expected = EncryptionKeys.Libsodium(LibsodiumKey, "none", "x").Key;

        _environment["WALG_LIBSODIUM_KEY_PATH"] = path;
        Assert.Equal((expected, "WALG_LIBSODIUM_KEY_PATH"), (Read().To("/archive").Encryption!.Key, Read().To("/archive").Encryption!.Setting));

        _environment.Clear();
        string file = Config(new { WALG_LIBSODIUM_KEY = LibsodiumKey });
        Assert.Equal((expected, $"WALG_LIBSODIUM_KEY in {file}"), (Read(file).To("/archive").Encryption!.Key, Read(file).To("/archive").Encryption!.Setting));
        Assert.Null(Read().To("/archive").Encryption);
    }

    [Fact]
    public void A_key_that_the_caller_gives_goes_before_another_method_in_the_environment()
    {
        string path = Path.Combine(_folder, "key");
        File.WriteAllText(path, LibsodiumKey);
        _environment["WALG_CSE_KMS_ID"] = "alias/wal";
        _environment["WALG_CSE_KMS_REGION"] = "us-west-2";

        var kms = Read().To("/archive").Encryption!;
        Assert.Equal((EncryptionMethod.AwsKms, "alias/wal", "us-west-2"), (kms.Method, kms.KmsKeyId, kms.KmsRegion));
        Assert.Equal(EncryptionMethod.Libsodium, Read(given: new() { ["WALG_LIBSODIUM_KEY_PATH"] = path }).To("/archive").Encryption!.Method);
    }

    [Theory]
    [InlineData("YC_CSE_KMS_KEY_ID", "EncryptionNotSupported", "Yandex KMS")]
    [InlineData("WALG_ENVELOPE_PGP_KEY", "EncryptionNotSupported", "Yandex KMS")]
    [InlineData("WALE_GPG_KEY_ID", "EncryptionNotSupported", "--export-secret-keys")]
    [InlineData("GPG_KEY_ID", "EncryptionNotSupported", "WALG_PGP_KEY_PATH")]
    [InlineData("WALG_S3_SSE_C", "EncryptionNotSupported", "SSE-C")]
    [InlineData("WALG_S3_CA_CERT_FILE", "ArchiveSettingInvalid", "PEM")]
    [InlineData("AWS_S3_FORCE_PATH_STYLE", "ArchiveSettingInvalid", "true or false")]
    [InlineData("WALG_S3_USE_LIST_OBJECTS_V1", "ArchiveSettingInvalid", "true or false")]
    [InlineData("WALG_PGP_KEY_PATH", "EncryptionKeyInvalid", "cannot be read")]
    [InlineData("WALG_LIBSODIUM_KEY", "EncryptionKeyInvalid", "25 characters")]
    public void A_setting_that_cannot_be_heeded_is_refused_by_its_name(string name, string errorId, string expected)
    {
        _environment[name] = "/no/such/thing";

        var error = Assert.Throws<MigrationException>(() => Read().To("s3://bucket/prod"));

        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("WALG_GS_PREFIX", "gs://bucket/x", MigrationErrorKind.NotSupported)]
    [InlineData("UNRELATED", "x", MigrationErrorKind.InvalidArgument)]
    public void Without_an_archive_it_is_told_what_to_give(string name, string value, MigrationErrorKind kind)
    {
        _environment[name] = value;
        var error = Assert.Throws<MigrationException>(() => Read().To());
        Assert.Equal(("ArchiveMissing", kind), (error.ErrorId, error.Kind));
    }

    [Fact]
    public void Further_storages_are_warned_of()
    {
        string file = Config(new { WALG_S3_PREFIX = "s3://bucket/prod", WALG_FAILOVER_STORAGES = new { other = new { WALG_FILE_PREFIX = "/x" } } });
        _ = Read(file).To(observer: _watch);
        Assert.Contains("WALG_FAILOVER_STORAGES", Assert.Single(_watch.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_JSON_is_told_without_what_it_holds()
    {
        string file = Path.Combine(_folder, "walg.json");
        File.WriteAllText(file, "{\n\"WALG_LIBSODIUM_KEY\": topsecret\n}");

        var error = Assert.Throws<MigrationException>(() => Read(file));

        Assert.Equal("WalgConfigInvalid", error.ErrorId);
        Assert.Contains("line 2", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("topsecret", error.ToString(), StringComparison.Ordinal);
        Assert.Equal("WalgConfigInvalid", Assert.Throws<MigrationException>(() => Read(Path.Combine(_folder, "none.json"))).ErrorId);
    }

    private ArchiveSettings Read(string? file = null, string? prefix = null, Dictionary<string, string>? given = null) =>
        ArchiveSettings.Read(file, _watch, given, prefix, name => name == "HOME" ? _folder : _environment.GetValueOrDefault(name));

    private string Config(object settings)
    {
        string file = Path.Combine(_folder, "walg.json");
        File.WriteAllText(file, JsonSerializer.Serialize(settings));
        return file;
    }
}
