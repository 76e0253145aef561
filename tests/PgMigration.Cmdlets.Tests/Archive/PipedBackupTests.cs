using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>A piped backup is the one that is used, from its own archive and by the way in which it was reached.</summary>
[Collection("AWS keys in the environment")]
public sealed class PipedBackupTests : IDisposable
{
    private const string Bag = "$bag = $backup | ForEach-Object { $copy = [pscustomobject]@{}; $_.PSObject.Properties.ForEach{ $copy.PSObject.Properties.Add([psnoteproperty]::new($_.Name, $_.Value)) }; $copy }; ";

    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly TemporaryFolder _folder = new();

    private string Archive => _folder["archive"];

    private string Data => _folder["data"];

    public PipedBackupTests()
    {
        Directory.CreateDirectory(Path.Combine(Archive, "wal_005"));
        string backups = Directory.CreateDirectory(Path.Combine(Archive, "basebackups_005")).FullName;
        for (int day = 1; day <= 4; day++)
        {
            File.WriteAllText(Path.Combine(backups, $"base_00000001000000000000000{day}_backup_stop_sentinel.json"),
                $$"""{"LSN":16777256,"FinishLSN":16777512,"PgVersion":150018,"SystemIdentifier":7300000000000000001,"Version":2,"StartTime":"2026-08-0{{day}}T10:00:00Z","Hostname":"db","PgDataDir":"/other/data"}""");
        }
    }

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("Get-WalBackup $args[0] -Name *03 | Start-WalRestore -DataDirectory $args[1]")]
    [InlineData("Get-WalBackup $args[0] | ForEach-Object { if ($_.Name -like '*3') { $_ } } | Start-WalRestore $args[0] -DataDirectory $args[1]")]
    [InlineData("Get-WalBackup $args[0] -Name *03 | Test-WalArchive -ErrorAction Ignore | Start-WalRestore -DataDirectory $args[1]")]
    [InlineData("$backup = Get-WalBackup $args[0] -Name *03; " + Bag + "$bag | Start-WalRestore -DataDirectory $args[1]")]
    [InlineData("Get-WalBackup $args[0] -Name *03 | Get-WalBackup | Start-WalRestore -DataDirectory $args[1]")]
    public void Start_WalRestore_restores_the_piped_backup(string script)
    {
        var error = _engine.Fails(script, Archive, Data);

        // the archive holds sentinels alone: the backup whose parts are missing is the one that was meant
        Assert.Contains("base_000000010000000000000003", error.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("StartWalRestoreCommand", error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Get-WalBackup $args[0] -Name *03, *02 | Start-WalRestore -DataDirectory $args[1]", "TooManyBackups", "base_000000010000000000000002")]
    [InlineData("Get-WalBackup $args[0] -Name x* | Start-WalRestore -DataDirectory $args[1]", "InputMissing", "Nothing was piped")]
    [InlineData("$null | Start-WalRestore -DataDirectory $args[1]", "InputMissing", "Nothing was piped")]
    [InlineData("Get-WalBackup $args[0] -Name *03 | Start-WalRestore -DataDirectory $args[1] -BackupName base_000000010000000000000004", "BackupAmbiguous", "base_000000010000000000000004")]
    [InlineData("Get-WalBackup $args[0] -Name *03 | Start-WalRestore /another/archive -DataDirectory $args[1]", "ArchiveAmbiguous", "/another/archive")]
    [InlineData("$args[0] | Start-WalRestore -DataDirectory $args[1]", "InputNotSupported", "System.String")]
    public void Start_WalRestore_refuses_what_does_not_name_one_backup(string script, string id, string says)
    {
        var error = _engine.Fails(script, Archive, Data);

        Assert.Equal($"{id},PgMigration.Cmdlets.StartWalRestoreCommand", error.FullyQualifiedErrorId);
        Assert.Contains(says, error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Data));
    }

    [Theory]
    [InlineData("$backup | Test-WalArchive -ErrorAction Ignore")]
    [InlineData("$backup | Start-WalRestore -DataDirectory $args[1] -ErrorAction Ignore")]
    [InlineData("$backup | Get-WalBackup")]
    [InlineData("$backup | Test-WalArchive -ErrorAction Ignore | Start-WalRestore -DataDirectory $args[1]")]
    [InlineData(Bag + "$bag | Test-WalArchive -ErrorAction Ignore")]
    public void Endpoint_region_and_keys_come_along_with_a_piped_backup(string script)
    {
        using var seen = new SeenRequests("base_000000010000000000000003", "base_000000010000000000000004");
        string list = "$StoredAWSCredentials = $args[2]; $backup = Get-WalBackup s3://wal-bucket/prod -EndpointUrl $args[0] -Region eu-north-1 -Name *03; ";
        string forget = script.StartsWith(Bag, StringComparison.Ordinal) ? string.Empty : "$StoredAWSCredentials = $null; ";

        using (var pipeline = _engine.Pipeline(list + "$backup.EndpointUrl; $backup.Region", seen.Url, Data, new GetWalBackupTests.SessionCredentials()))
        {
            Assert.Equal([seen.Url, "eu-north-1"], pipeline.Invoke().Select(value => value.BaseObject));
        }

        int listed = seen.All.Count;
        using var next = _engine.Pipeline(list + forget + script, seen.Url, Data, new GetWalBackupTests.SessionCredentials());
        try
        {
            next.Invoke();
        }
        catch (RuntimeException)
        {
            // the bucket holds sentinels alone
        }

        Assert.True(seen.All.Count > 2 * listed, "The next command asked another service.");
        Assert.All(seen.All, request => Assert.Contains("/eu-north-1/s3/", request.Authorization, StringComparison.Ordinal));
        Assert.All(seen.All, request => Assert.Contains("Credential=AKIASESSION/", request.Authorization, StringComparison.Ordinal));
    }

    [Fact]
    public void The_keys_of_a_piped_backup_are_not_shown()
    {
        using var seen = new SeenRequests("base_000000010000000000000003");

        var backup = Assert.Single(_engine.Run("$StoredAWSCredentials = $args[1]; Get-WalBackup s3://wal-bucket/prod -EndpointUrl $args[0] -Region eu-north-1", seen.Url, new GetWalBackupTests.SessionCredentials()));

        Assert.DoesNotContain("session-secret", PSSerializer.Serialize(backup, 5) + string.Concat(backup.Properties.Select(property => $"{property.Value}")), StringComparison.Ordinal);
    }
}
