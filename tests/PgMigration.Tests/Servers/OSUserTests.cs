namespace PgMigration.Tests;

public sealed class OSUserTests
{
    [Fact]
    public void Root_is_refused_before_a_restore_rather_than_by_pg_ctl_behind_it()
    {
        var refused = Assert.Throws<MigrationException>(() => new OSUser("root").Numbers());

        Assert.Equal("OSUserIsRoot", refused.ErrorId);
    }
}
