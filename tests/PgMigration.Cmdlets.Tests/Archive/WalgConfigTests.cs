using System.Text.Json;

namespace PgMigration.Cmdlets.Tests;

/// <summary>The cmdlets take the settings that people of WAL-G have.</summary>
[Collection("AWS keys in the environment")] // which the whole process shares: one at a time
public sealed class WalgConfigTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly TemporaryFolder _folder = new();

    public WalgConfigTests()
    {
        string backups = Directory.CreateDirectory(Path.Combine(_folder["archive"], "basebackups_005")).FullName;
        File.WriteAllText(Path.Combine(backups, "base_000000010000000000000001_backup_stop_sentinel.json"), """{"LSN":16777256,"FinishLSN":16777512,"PgVersion":150018,"Version":2,"StartTime":"2026-08-01T10:00:00Z"}""");
    }

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Without_an_archive_the_one_of_the_file_is_listed_and_said_with_Verbose()
    {
        string file = Config(new { WALG_FILE_PREFIX = _folder["archive"] });
        using var pipeline = _engine.Pipeline("Get-WalBackup -WalgConfig $args[0] -Verbose", file);

        Assert.Single(pipeline.Invoke());

        Assert.Contains(pipeline.Streams.Verbose, line => line.Message.Contains(file, StringComparison.Ordinal));
    }

    [Fact]
    public void Keys_and_endpoint_of_the_file_reach_the_bucket_and_parameters_go_before_it()
    {
        using var seen = new SeenRequests();
        string file = Config(new { WALG_S3_PREFIX = "s3://of-file/prod", AWS_ENDPOINT = seen.Url, AWS_REGION = "eu-west-3", AWS_ACCESS_KEY_ID = "AKIAOFFILE", AWS_SECRET_ACCESS_KEY = "secret" });

        _engine.Run("Get-WalBackup -WalgConfig $args[0]; Get-WalBackup s3://given/prod -WalgConfig $args[0] -Region eu-north-1", file);

        Assert.Equal(["/of-file", "/given"], seen.All.Select(request => request.Path.TrimEnd('/')));
        Assert.Contains("Credential=AKIAOFFILE/", seen.All.First().Authorization, StringComparison.Ordinal);
        Assert.Contains("/eu-west-3/s3/", seen.All.First().Authorization, StringComparison.Ordinal);
        Assert.Contains("/eu-north-1/s3/", seen.All.Last().Authorization, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_key_is_told_by_its_settings_name_and_never_shown()
    {
        string file = Config(new { WALG_FILE_PREFIX = _folder["archive"], WALG_LIBSODIUM_KEY = "topsecret" });

        var error = _engine.Fails("Get-WalBackup -WalgConfig $args[0]", file);

        Assert.StartsWith("EncryptionKeyInvalid,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("WALG_LIBSODIUM_KEY", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("topsecret", $"{error} {error.Exception}", StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_by_its_path_is_taken_and_its_library_found_beside_the_module()
    {
        string file = Config(new { WALG_FILE_PREFIX = _folder["archive"] });
        File.WriteAllText(_folder["key"], "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");

        Assert.Single(_engine.Run("Get-WalBackup -WalgConfig $args[0] -LibsodiumKeyPath $args[1] -LibsodiumKeyTransform hex", file, _folder["key"]));
    }

    private string Config(object settings)
    {
        File.WriteAllText(_folder["walg.json"], JsonSerializer.Serialize(settings));
        return _folder["walg.json"];
    }
}
