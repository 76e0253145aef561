namespace PgMigration.Tests;

public sealed class PgBouncerIniTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Only_host_port_and_dbname_of_the_entry_change()
    {
        File.WriteAllText(_path, """
            ; shop = host=commented
            [databases]
            shop_reports = host=old port=1 dbname=shop
            shop = host=old.example port=5432 user=app password='it''s secret' pool_size=20
            * = host=fallback

            [pgbouncer]
            shop = not this one
            """);

        new PgBouncerIni(_path).Write("shop", new PgServer("/run/new", 6543, "shop", "app"));

        Assert.Equal("""
            ; shop = host=commented
            [databases]
            shop_reports = host=old port=1 dbname=shop
            shop = host=/run/new port=6543 user=app password='it''s secret' pool_size=20 dbname=shop
            * = host=fallback

            [pgbouncer]
            shop = not this one
            """, File.ReadAllText(_path));
        Assert.Equal(("/run/new", "6543"), new PgBouncerIni(_path).Read("shop"));
    }

    [Fact]
    public void Of_two_entries_with_one_name_the_last_counts_as_it_does_for_PgBouncer()
    {
        File.WriteAllText(_path, "[databases]\nshop = host=first\nshop = host=last\n");

        new PgBouncerIni(_path).Write("shop", new PgServer("new", 6543, "shop", "app"));

        Assert.Equal("[databases]\nshop = host=first\nshop = host=new port=6543 dbname=shop\n", File.ReadAllText(_path));
    }

    [Fact]
    public void Every_other_byte_of_the_file_stays_as_it_is_whatever_its_encoding()
    {
        byte[] latin1 = System.Text.Encoding.Latin1.GetBytes("; gepflegt von M\u00fcller\n[databases]\nshop = host=old application_name=caf\u00e9\u0085\u00a0 dbname=shop\r\n");
        File.WriteAllBytes(_path, latin1);

        new PgBouncerIni(_path).Write("shop", new PgServer("new", 6543, "L\u00e5den \u00e0", "app"));

        byte[] expected = [.. System.Text.Encoding.Latin1.GetBytes("; gepflegt von M\u00fcller\n[databases]\nshop = host=new application_name=caf\u00e9\u0085\u00a0 dbname='"), .. System.Text.Encoding.UTF8.GetBytes("L\u00e5den \u00e0"), .. "' port=6543\n"u8];
        Assert.Equal(expected, File.ReadAllBytes(_path));
        Assert.Equal("L\u00e5den \u00e0", new PgBouncerIni(_path).ReadDatabase("shop"));
    }

    [Fact]
    public void A_missing_entry_is_named_with_what_was_expected()
    {
        File.WriteAllText(_path, "[databases]\nother = host=x\n");

        var error = Assert.Throws<MigrationException>(() => new PgBouncerIni(_path).Read("shop"));

        Assert.Equal("PgBouncerEntryNotFound", error.ErrorId);
        Assert.Contains("'shop'", error.Message, StringComparison.Ordinal);
    }
}
