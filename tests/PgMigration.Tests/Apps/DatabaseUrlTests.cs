namespace PgMigration.Tests;

public sealed class DatabaseUrlTests
{
    [Theory]
    // a copy: only the place changes, and all that is the app's stays
    [InlineData("postgres://app:s%40cret@old:5433/shop", "postgres://app@new:6543/shop", "postgres://app:s%40cret@new:6543/shop")]
    [InlineData("postgresql://app:x@old/shop?pool=5&prepared_statements=false", "postgres://app@new:6543/other", "postgresql://app:x@new:6543/other?pool=5&prepared_statements=false")]
    [InlineData("postgis://reader:x@old/shop", "postgres://source:y@new:6543/shop", "postgis://reader:x@new:6543/shop")]
    // a login of the new server's own
    [InlineData("postgres://app:x@old/shop", "postgres://fresh:y%2Fz@new:6543/shop", "postgres://fresh:y%2Fz@new:6543/shop")]
    [InlineData("postgres://app:x@old/shop", "postgres://app:y@new:6543/shop", "postgres://app:y@new:6543/shop")]
    // TLS: what the server is given with counts, else the app's own demand
    [InlineData("postgres://app:x@old/shop?sslmode=require", "postgres://app@new:6543/shop", "postgres://app:x@new:6543/shop?sslmode=require")]
    [InlineData("postgres://app:x@old/shop?sslmode=verify-full&sslrootcert=old.pem&pool=5", "postgres://app@new:6543/shop?sslmode=require", "postgres://app:x@new:6543/shop?pool=5&sslmode=require")]
    [InlineData("postgres://app:x@old/shop?pool=5", "postgres://app@[::1]:6543/shop", "postgres://app:x@[::1]:6543/shop?pool=5")]
    public void An_address_is_pointed_elsewhere_and_keeps_what_is_the_app_s(string old, string server, string expected) =>
        Assert.Equal(expected, DatabaseUrl.TryParse(old)!.PointAt(PgServer.Parse(server), "source"));

    [Theory]
    [InlineData("")]
    [InlineData("redis")]
    [InlineData("https://host/path")]
    [InlineData("postgres://app:x@old")]
    [InlineData("postgres://app:x@old:port/shop")]
    public void What_is_no_database_s_address_is_none(string text) => Assert.Null(DatabaseUrl.TryParse(text));

    [Fact]
    public void A_server_with_a_login_of_its_own_and_no_password_is_refused_and_no_secret_is_its_text()
    {
        var url = DatabaseUrl.TryParse("postgres://app:hunter2@old/shop")!;

        Assert.Equal("TargetPasswordMissing", Assert.Throws<MigrationException>(() => url.PointAt(new PgServer("new", 5432, "shop", "fresh"), "source")).ErrorId);
        Assert.DoesNotContain("hunter2", url.ToString(), StringComparison.Ordinal);
    }
}
