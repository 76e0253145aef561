namespace PgMigration.Wal.Tests;

/// <summary>The record of a restored data directory as other versions have left it.</summary>
public sealed class RestoreRecordTests
{
    [Fact]
    public void What_an_earlier_version_did_not_write_has_its_usual_value()
    {
        var record = RestoreRecord.TryParse("""{ "SystemIdentifier": 7, "SegmentSize": 16777216, "MajorVersion": 15, "StartSegment": "000000010000000000000002" }""");

        Assert.NotNull(record);
        Assert.Equal(RestoreRecord.DefaultPoolLimit, record.PoolLimit);
        Assert.Empty(record.AllowFrom);
        Assert.Empty(record.Tablespaces);
    }
}
