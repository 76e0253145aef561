namespace PgMigration.Wal;

public sealed class WalObjectNameTests
{
    [Theory]
    [InlineData("00000001000000A300000029", WalObjectKind.Segment, "00000001000000A300000029", "")]
    [InlineData("00000001000000A300000029.", WalObjectKind.Segment, "00000001000000A300000029", "")] // WALG_COMPRESSION_METHOD=none
    [InlineData("00000001000000A300000029.lz4", WalObjectKind.Segment, "00000001000000A300000029", "lz4")]
    [InlineData("wal_005/00000001000000A300000029.lzo", WalObjectKind.Segment, "00000001000000A300000029", "lzo")] // WAL-E
    [InlineData("00000001000000A300000029.xz", WalObjectKind.Segment, "00000001000000A300000029", null)]
    [InlineData("00000001000000A300000029.gpg", WalObjectKind.Segment, "00000001000000A300000029", null)]
    [InlineData("00000001000000A300000029.partial", WalObjectKind.PartialSegment, "00000001000000A300000029.partial", "")]
    [InlineData("00000001000000A300000029.partial.", WalObjectKind.PartialSegment, "00000001000000A300000029.partial", "")]
    [InlineData("00000001000000A300000029.partial.zst", WalObjectKind.PartialSegment, "00000001000000A300000029.partial", "zst")]
    [InlineData("0000000A.history", WalObjectKind.History, "0000000A.history", "")]
    [InlineData("0000000A.history.", WalObjectKind.History, "0000000A.history", "")]
    [InlineData("0000000A.history.br", WalObjectKind.History, "0000000A.history", "br")]
    [InlineData("00000001000000A300000029.00000028.backup", WalObjectKind.BackupNote, "00000001000000A300000029.00000028.backup", "")]
    [InlineData("00000001000000A300000029.00000028.backup.", WalObjectKind.BackupNote, "00000001000000A300000029.00000028.backup", "")]
    [InlineData("00000001000000A300000029.00000028.backup.lzma", WalObjectKind.BackupNote, "00000001000000A300000029.00000028.backup", "lzma")]
    public void A_name_is_taken_apart(string objectName, WalObjectKind kind, string bareName, string? extension)
    {
        Assert.True(WalObjectName.TryParse(objectName, out var name));

        Assert.Equal((kind, bareName, extension), (name.Kind, name.BareName(objectName), name.Codec?.Extension));
    }

    [Theory]
    [InlineData("00000001000000a300000029.lz4")] // no server asks for lower case
    [InlineData("00000001000000A300000029.LZ4")]
    [InlineData("00000001000000A300000029.lz4.")]
    [InlineData("00000001000000A300000029.lz4.tmp")]
    [InlineData("00000001000000A300000029.new")]
    [InlineData("00000001000000A300000029.sha256")]
    [InlineData("00000001000000A300000029..")]
    [InlineData("00000001000000A300000029_delta.lz4")] // WAL-G's delta maps
    [InlineData("00000001000000A30000002.lz4")]
    [InlineData("00000001000000A300000029/part.lz4")]
    [InlineData("0000000a.history")]
    [InlineData("0000000A.history~")]
    [InlineData("0000000A")]
    [InlineData("README")]
    [InlineData("")]
    public void Any_other_name_is_not_WAL(string objectName) => Assert.False(WalObjectName.TryParse(objectName, out _));
}
