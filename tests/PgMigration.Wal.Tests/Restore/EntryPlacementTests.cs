namespace PgMigration.Wal.Tests;

public sealed class EntryPlacementTests
{
    private static readonly EntryPlacement Placement = new(["16400"]);

    [Theory]
    [InlineData("/base/5/1259", "base/5/1259")]
    [InlineData("base/5/1259", "base/5/1259")]
    [InlineData("./PG_VERSION", "PG_VERSION")]
    [InlineData("//etc/passwd", "etc/passwd")] // a leading slash is the data directory's
    [InlineData("/pg_tblspc/16400/PG_15_202209061/5/16401", "pg_tblspc/16400/PG_15_202209061/5/16401")]
    [InlineData("/postgresql.conf", "postgresql.conf.from-source")]
    [InlineData("/postgresql.auto.conf", "postgresql.auto.conf.from-source")]
    [InlineData("/pg_hba.conf", "pg_hba.conf.from-source")]
    [InlineData("/base/pg_hba.conf", "base/pg_hba.conf")]
    [InlineData("/global/pg_control", "pgmigration/held/pg_control")]
    [InlineData("backup_label", "pgmigration/held/backup_label")]
    [InlineData("/backup_label", "pgmigration/held/backup_label.directory")]
    [InlineData("tablespace_map", "pgmigration/held/tablespace_map")]
    [InlineData("/pg_xact/0000", "pg_xact/0000")]
    public void A_file_goes_where_it_belongs(string name, string expected) => Assert.Equal(expected, Place(name));

    [Theory]
    [InlineData("/")]
    [InlineData("/postmaster.pid")]
    [InlineData("/standby.signal")]
    [InlineData("/pg_wal/000000010000000000000001")]
    [InlineData("/pg_replslot/old/state")]
    [InlineData("/pgmigration/archive.json")]
    [InlineData("/pg_tblspc/16400")]
    public void What_a_new_standby_must_not_get_is_left_out(string name) => Assert.Null(Place(name));

    [Theory]
    [InlineData("../etc/passwd")]
    [InlineData("/base/../../etc/passwd")]
    [InlineData("base/..")]
    [InlineData("/base/5\0/../x")]
    public void A_name_that_leads_out_is_refused(string name) =>
        Assert.Equal("EntryNameHostile", Assert.Throws<MigrationException>(() => Place(name)).ErrorId);

    [Theory]
    [InlineData("/base/5/link", "/etc/passwd")]
    [InlineData("/base/5/link", "../../../etc")]
    [InlineData("/base/5/link", "a/../../..")]
    [InlineData("/base/5", "/etc")]
    [InlineData("/base/link", "/base/link")]
    [InlineData("/base", "pgmigration")]
    [InlineData("/pg_tblspc", "base")]
    [InlineData("/pg_tblspc/16400/PG_15_202209061", "../../pgmigration")]
    public void A_link_in_place_of_data_is_refused_wherever_it_points(string name, string target) =>
        Assert.Equal("EntryNameHostile", Assert.Throws<MigrationException>(() => Placement.Place(new TarEntry(name, TarEntryKind.SymbolicLink, 0, target))).ErrorId);

    [Theory]
    [InlineData("/pg_wal", "/mnt/wal")]
    [InlineData("/pg_tblspc/16400", "/mnt/tablespace")]
    [InlineData("/server.crt", "/etc/ssl/certs/ssl-cert-snakeoil.pem")]
    [InlineData("/conf.d", "/etc/postgresql/15/main/conf.d")]
    [InlineData("/conf.d", "conf.d")] // WAL-G writes the link's own name as its target
    [InlineData("/scripts/archive.sh", "/usr/local/bin/archive.sh")]
    [InlineData("/zz", ".")]
    [InlineData("/zz", "pgmigration/bin/pgmigration-walfetch")]
    public void A_link_that_sources_often_have_is_left_out(string name, string target) =>
        Assert.Null(Placement.Place(new TarEntry(name, TarEntryKind.SymbolicLink, 0, target)));

    [Fact]
    public void A_file_of_a_tablespace_that_nobody_knows_is_refused() =>
        Assert.Equal("TablespaceUnknown", Assert.Throws<MigrationException>(() => Place("/pg_tblspc/99999/PG_15_202209061/5/1")).ErrorId);

    [Fact]
    public void A_link_of_a_tablespace_that_nobody_knows_is_refused() =>
        Assert.Equal("TablespaceUnknown", Assert.Throws<MigrationException>(() => Placement.Place(new TarEntry("/pg_tblspc/99999", TarEntryKind.SymbolicLink, 0, "/mnt/fast"))).ErrorId);

    private static string? Place(string name) => Placement.Place(new TarEntry(name, TarEntryKind.File, 0, string.Empty));
}
