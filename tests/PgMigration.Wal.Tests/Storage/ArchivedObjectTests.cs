using System.Globalization;
using System.Text;

namespace PgMigration.Wal;

/// <summary>Objects in a storage class from which S3 gives nothing until they are restored there.</summary>
public sealed class ArchivedObjectTests : IDisposable
{
    private const string Backup = "base_000000010000000000000002";
    private const string Restored = "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2035 00:00:00 GMT\"";
    private readonly OddS3 _service = new() { PageSize = 1000 };
    private readonly IArchiveStorage _storage;

    public ArchivedObjectTests() => _storage = _service.Open();

    public void Dispose()
    {
        _storage.Dispose();
        _service.Dispose();
    }

    [Theory]
    [InlineData("GLACIER", null, null, ArchivedState.Archived)]
    [InlineData("DEEP_ARCHIVE", null, null, ArchivedState.Archived)]
    [InlineData("DEEP_ARCHIVE", "ongoing-request=\"true\"", null, ArchivedState.Restoring)]
    [InlineData("GLACIER", Restored, null, ArchivedState.Readable)]
    [InlineData("INTELLIGENT_TIERING", null, "DEEP_ARCHIVE_ACCESS", ArchivedState.Archived)]
    [InlineData("INTELLIGENT_TIERING", null, null, ArchivedState.Readable)]
    [InlineData("GLACIER_IR", null, null, ArchivedState.Readable)]
    [InlineData("STANDARD_IA", null, null, ArchivedState.Readable)]
    [InlineData(null, null, null, ArchivedState.Readable)]
    public async Task A_look_at_an_object_tells_whether_it_can_be_read(string? storageClass, string? restore, string? archiveStatus, ArchivedState expected)
    {
        _service.Put("p/x", [1, 2], storageClass, restore, archiveStatus);
        Assert.Equal(expected, (await _storage.FindAsync("x"))!.State);
    }

    [Theory]
    [InlineData("GLACIER", null, "{\"Days\":14,")]
    [InlineData("DEEP_ARCHIVE", null, "{\"Days\":14,")]
    [InlineData("INTELLIGENT_TIERING", "ARCHIVE_ACCESS", "{\"GlacierJobParameters\"")]
    public async Task Reading_one_names_its_class_and_the_command_that_restores_it(string storageClass, string? archiveStatus, string request)
    {
        _service.Put("p/wal's", [1, 2], storageClass, null, archiveStatus);

        var error = await Assert.ThrowsAsync<MigrationException>(() => _storage.OpenReadAsync("wal's"));

        Assert.Equal(("ArchiveObjectArchived", MigrationErrorKind.InvalidOperation), (error.ErrorId, error.Kind));
        Assert.Contains($"s3://b/p/wal's, in the storage class {storageClass}", error.Message, StringComparison.Ordinal);
        Assert.Contains("aws s3api restore-object --bucket b --key 'p/wal'\\''s' --restore-request '" + request, error.Message, StringComparison.Ordinal);
        Assert.Single(_service.Requests); // no second attempt with other credentials
    }

    [Theory]
    [InlineData("tar_partitions/part_002.tar.lz4", "GLACIER", null)]
    [InlineData("tar_partitions/part_002.tar.lz4", "INTELLIGENT_TIERING", "ARCHIVE_ACCESS")]
    [InlineData("tar_partitions/pg_control.tar.lz4", "DEEP_ARCHIVE", null)]
    [InlineData("files_metadata.json", "DEEP_ARCHIVE", null)]
    public async Task A_backup_with_one_is_refused_before_its_first_byte(string archived, string storageClass, string? archiveStatus)
    {
        PutBackup();
        _service.Put($"p/basebackups_005/{Backup}/{archived}", [1], storageClass, null, archiveStatus);
        var contents = await BackupContents.ListAsync(_storage, Backup, CancellationToken.None);

        var error = await Assert.ThrowsAsync<MigrationException>(() => contents.RequireReadableAsync(_storage, CancellationToken.None));

        Assert.Equal("ArchiveObjectArchived", error.ErrorId);
        Assert.Contains($"1 of the 5 objects of the backup {Backup}", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{archived}, in the storage class {storageClass}", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_service.Requests, request => request.StartsWith("GET", StringComparison.Ordinal) && request.Contains(archived, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_backup_whose_objects_are_restored_is_accepted()
    {
        PutBackup("GLACIER", Restored);
        await (await BackupContents.ListAsync(_storage, Backup, CancellationToken.None)).RequireReadableAsync(_storage, CancellationToken.None);
    }

    [Fact]
    public async Task A_survey_counts_them_as_a_gap_and_those_that_are_restored_as_there()
    {
        PutBackup();
        for (int i = 2; i <= 9; i++)
        {
            PutSegment(i, i is 5 or 6 ? "GLACIER" : i == 3 ? "DEEP_ARCHIVE" : i == 8 ? "INTELLIGENT_TIERING" : null, i == 3 ? Restored : null);
        }

        var report = await SurveyAsync();

        var gap = Assert.Single(report.Gaps);
        Assert.Equal((WalGapKind.Archived, Name(5), Name(6), 2L), (gap.Kind, gap.First.ToString(), gap.Last.ToString(), gap.Segments));
        Assert.Contains("GLACIER", gap.Detail, StringComparison.Ordinal);
        Assert.Contains($"restore-object --bucket b --key 'p/wal_005/{Name(5)}.lz4'", gap.Detail, StringComparison.Ordinal);
        Assert.Equal((false, 3L), (report.IsWhole, report.Segments));
    }

    [Fact]
    public async Task A_survey_counts_those_at_the_end_and_beside_missing_ones()
    {
        PutBackup();
        PutSegment(2);
        PutSegment(4, "DEEP_ARCHIVE");
        PutSegment(5);
        PutSegment(6, "GLACIER", "ongoing-request=\"true\"");

        var report = await SurveyAsync();

        Assert.Equal([WalGapKind.Missing, WalGapKind.Archived], report.Gaps.Select(gap => gap.Kind));
        Assert.Contains("1 of these segments are there, but cannot be read", report.Gaps[0].Detail, StringComparison.Ordinal);
        Assert.Contains("S3 is restoring it", report.Gaps[1].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_survey_uses_the_readable_one_of_two_objects_of_a_segment()
    {
        PutBackup();
        PutSegment(2);
        PutSegment(3, "GLACIER");
        _service.Put($"p/wal_005/{Name(3)}.zst", [1, 2]);
        PutSegment(4);
        var report = await SurveyAsync();
        Assert.Equal((true, 3L), (report.IsWhole, report.Segments));
    }

    [Fact]
    public async Task A_survey_counts_the_objects_of_the_backup_too()
    {
        PutBackup("GLACIER");
        PutSegment(2);

        var report = await SurveyAsync();

        Assert.Equal((WalGapKind.Archived, 0L), (Assert.Single(report.Gaps).Kind, report.Gaps[0].Segments));
        Assert.Equal((false, false), (report.IsWhole, report.IsConsistent));
        Assert.Contains($"5 of the 5 objects of the backup {Backup}", report.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sentinel_that_cannot_be_read_is_told_with_the_remedy()
    {
        _service.Put($"p/basebackups_005/{Backup}_backup_stop_sentinel.json", "{}"u8.ToArray(), "GLACIER");
        var watch = new WatchedWarnings();
        Assert.Empty(await BackupCatalog.ListAsync(_storage, watch));
        Assert.Contains("restore-object", Assert.Single(watch.Warnings), StringComparison.Ordinal);
    }

    private static string Name(int segment) => string.Create(CultureInfo.InvariantCulture, $"00000001{segment:X16}");

    private void PutSegment(int segment, string? storageClass = null, string? restore = null) => _service.Put($"p/wal_005/{Name(segment)}.lz4", [1, 2, 3], storageClass, restore);

    private void PutBackup(string? storageClass = null, string? restore = null)
    {
        foreach (string name in (string[])["tar_partitions/part_001.tar.lz4", "tar_partitions/part_002.tar.lz4", "tar_partitions/backup_label.tar.lz4", "tar_partitions/pg_control.tar.lz4", "files_metadata.json"])
        {
            _service.Put($"p/basebackups_005/{Backup}/{name}", [1], storageClass, restore);
        }

        _service.Put($"p/basebackups_005/{Backup}_backup_stop_sentinel.json", Encoding.UTF8.GetBytes("""{"LSN": 33554472, "FinishLSN": 33554700, "StartTime": "2026-01-31T12:00:00Z"}"""));
    }

    private async Task<WalArchiveReport> SurveyAsync() => await ArchiveSurvey.RunAsync(_storage, await BackupCatalog.FindAsync(_storage));
}
