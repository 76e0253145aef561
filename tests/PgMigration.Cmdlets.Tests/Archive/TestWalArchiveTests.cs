using System.Globalization;
using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

public sealed class TestWalArchiveTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly TemporaryFolder _folder = new();

    public TestWalArchiveTests()
    {
        string backups = Directory.CreateDirectory(Path.Combine(Archive, "basebackups_005")).FullName;
        Directory.CreateDirectory(Path.Combine(Archive, "wal_005"));
        foreach (int segment in (int[])[2, 5])
        {
            long lsn = segment * 16777216L;
            File.WriteAllText(Path.Combine(backups, $"base_{Name(segment)}_backup_stop_sentinel.json"), string.Create(CultureInfo.InvariantCulture,
                $$"""{"LSN":{{lsn + 40}},"FinishLSN":{{lsn + 256}},"PgVersion":150018,"SystemIdentifier":7300000000000000001,"Version":2,"StartTime":"2026-08-0{{segment}}T10:00:00Z"}"""));
        }

        foreach (int segment in Enumerable.Range(2, 8).Except([4]))
        {
            File.WriteAllText(Path.Combine(Archive, "wal_005", Name(segment) + ".lz4"), "some");
        }
    }

    private string Archive => Path.Combine(_folder.Path, "archive");

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_newest_backup_is_tested_and_its_way_is_whole()
    {
        var report = _engine.Run("Test-WalArchive $args[0] -ReplayRate 16MB", Archive).Single();

        Assert.Equal(($"base_{Name(5)}", true), (report.Properties["BackupName"].Value, report.Properties["IsWhole"].Value));
        Assert.Equal(TimeSpan.FromSeconds(5), report.Properties["ReplayTime"].Value);
    }

    [Fact]
    public void A_gap_is_reported_and_then_an_error_that_names_it()
    {
        var error = _engine.Fails("Test-WalArchive $args[0] -BackupName $args[1]", Archive, $"base_{Name(2)}");

        Assert.Equal("WalArchiveBroken,PgMigration.Cmdlets.TestWalArchiveCommand", error.FullyQualifiedErrorId);
        Assert.Equal(ErrorCategory.InvalidData, error.CategoryInfo.Category);
        Assert.Contains(Name(4), error.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, _engine.Run("(Test-WalArchive $args[0] -BackupName $args[1] -ErrorAction SilentlyContinue).Gaps.Count", Archive, $"base_{Name(2)}").Single().BaseObject);
    }

    [Fact]
    public void Quiet_is_yes_or_no_and_no_error()
    {
        Assert.Equal([false, true], _engine.Run("Test-WalArchive $args[0] -BackupName $args[1] -Quiet; Test-WalArchive $args[0] -Quiet", Archive, $"base_{Name(2)}").Select(answer => answer.BaseObject));
    }

    [Fact]
    public void Backups_can_be_piped_and_are_tested_one_by_one()
    {
        var whole = _engine.Run("Get-WalBackup $args[0] | Test-WalArchive -ErrorAction SilentlyContinue | ForEach-Object IsWhole", Archive);

        Assert.Equal([true, false], whole.Select(answer => answer.BaseObject));
    }

    [Fact]
    public async Task The_view_says_what_is_missing()
    {
        var (_, output, _) = await ShellRun.ToEndAsync("-Command", $"Test-WalArchive '{Archive}' base_{Name(2)} -ErrorAction SilentlyContinue");

        Assert.Matches("Whole +: NO", output);
        Assert.Contains($"does not hold {Name(4)}", output.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    private static string Name(int segment) => string.Create(CultureInfo.InvariantCulture, $"0000000100000000{segment:X8}");
}
