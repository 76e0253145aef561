using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

[Collection("AWS keys in the environment")] // which the whole process shares: one at a time
public sealed class GetWalBackupTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly TemporaryFolder _folder = new();

    public GetWalBackupTests()
    {
        string backups = Directory.CreateDirectory(Path.Combine(_folder.Path, "archive", "basebackups_005")).FullName;
        for (int day = 1; day <= 3; day++)
        {
            File.WriteAllText(Path.Combine(backups, $"base_00000001000000000000000{day}_backup_stop_sentinel.json"),
                $$"""{"LSN":16777256,"FinishLSN":16777512,"PgVersion":150018,"SystemIdentifier":7300000000000000001,"UncompressedSize":104857600,"CompressedSize":31457280,"Version":2,"StartTime":"2026-08-0{{day}}T10:00:00Z"}""");
        }
    }

    private string Archive => Path.Combine(_folder.Path, "archive");

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Backups_come_newest_first()
    {
        var backups = _engine.Run("Get-WalBackup $args[0]", new Uri(Archive).AbsoluteUri);

        Assert.Equal(["base_000000010000000000000003", "base_000000010000000000000002", "base_000000010000000000000001"], backups.Select(backup => backup.Properties["Name"].Value));
        Assert.Equal(15, backups[0].Properties["MajorVersion"].Value);
    }

    [Fact]
    public void A_folder_is_relative_to_the_sessions_location()
    {
        Assert.Equal(3, _engine.Run("$ExecutionContext.SessionState.Path.SetLocation($args[0]) | Out-Null; Get-WalBackup ./archive", _folder.Path).Count);
    }

    [Fact]
    public void Names_are_chosen_by_wildcards_and_one_that_is_missing_is_an_error()
    {
        Assert.Equal(2, _engine.Run("Get-WalBackup $args[0] -Name '*1', '*3'", Archive).Count);

        var error = _engine.Fails("Get-WalBackup $args[0] -Name base_x", Archive);
        Assert.Equal("BackupNotFound,PgMigration.Cmdlets.GetWalBackupCommand", error.FullyQualifiedErrorId);
        Assert.Equal(ErrorCategory.ObjectNotFound, error.CategoryInfo.Category);
    }

    [Fact]
    public void A_damaged_sentinel_is_a_warning_and_the_others_are_listed()
    {
        File.WriteAllText(Path.Combine(Archive, "basebackups_005", "base_000000010000000000000009_backup_stop_sentinel.json"), "{");
        using var pipeline = _engine.Pipeline("Get-WalBackup $args[0]", Archive);

        Assert.Equal(3, pipeline.Invoke().Count);
        Assert.Contains("base_000000010000000000000009", Assert.Single(pipeline.Streams.Warning).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_prefix_is_a_warning_that_says_what_was_expected()
    {
        using var pipeline = _engine.Pipeline("Get-WalBackup $args[0]", Directory.CreateDirectory(Path.Combine(Archive, "wrong-prefix")).FullName);

        Assert.Empty(pipeline.Invoke());
        string warning = Assert.Single(pipeline.Streams.Warning).Message;
        Assert.Contains("wrong-prefix", warning, StringComparison.Ordinal);
        Assert.Contains("basebackups_005/", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_table_is_one_line_a_backup()
    {
        var (_, output, _) = await ShellRun.ToEndAsync("-Command", $"Get-WalBackup '{Archive}' -Name '*3'");

        Assert.Matches(@"base_000000010000000000000003 +2026-08-03 10:00 +15 +100 MB +30 MB +0/1000028 +full", output);
    }

    [Fact]
    public void The_session_of_AWS_Tools_gives_keys_and_region()
    {
        using var seen = new SeenRequests();

        _engine.Run("$StoredAWSCredentials = $args[0]; $StoredAWSRegion = 'eu-west-3'; Get-WalBackup s3://wal-bucket/prod -EndpointUrl $args[1]", new SessionCredentials(), seen.Url);

        var (path, authorization) = Assert.Single(seen.All);
        Assert.Equal("/wal-bucket", path.TrimEnd('/'));
        Assert.Contains("Credential=AKIASESSION/", authorization, StringComparison.Ordinal);
        Assert.Contains("/eu-west-3/s3/", authorization, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_given_overrules_the_session()
    {
        using var seen = new SeenRequests();

        _engine.Run("$StoredAWSCredentials = $args[0]; $StoredAWSRegion = 'eu-west-3'; Get-WalBackup s3://wal-bucket/prod -EndpointUrl $args[1] -Region eu-north-1", new SessionCredentials(), seen.Url);
        var error = _engine.Fails("$StoredAWSCredentials = $args[0]; Get-WalBackup s3://wal-bucket/prod -EndpointUrl $args[1] -ProfileName no-such-profile", new SessionCredentials(), seen.Url);

        Assert.Contains("/eu-north-1/s3/", Assert.Single(seen.All).Authorization, StringComparison.Ordinal);
        Assert.StartsWith("ProfileNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_in_an_address_is_not_printed()
    {
        var error = _engine.Fails("Get-WalBackup 's3://AKIA:topsecret@bucket/prod'");

        Assert.StartsWith("ArchiveAddressInvalid,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.DoesNotContain("topsecret", $"{error} {error.Exception}", StringComparison.Ordinal);
    }

    /// <summary>Shaped as AWS.Tools has it: the property is internal, the keys come by a method.</summary>
    public sealed class SessionCredentials
    {
        internal KeySource Credentials { get; } = new(new Keys("AKIASESSION", "session-secret", "session-token"));

        internal sealed class KeySource(Keys keys)
        {
            public Keys GetCredentials() => keys;
        }

        internal sealed record Keys(string AccessKey, string SecretKey, string Token);
    }
}
