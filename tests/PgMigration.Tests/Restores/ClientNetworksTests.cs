namespace PgMigration.Tests;

public sealed class ClientNetworksTests
{
    [Theory]
    [InlineData("10.0.0.0")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0/16")]
    [InlineData("db.example.com")]
    [InlineData("10.0.0.0/16 trust\nhost all all 0.0.0.0/0")]
    [InlineData("fd00::/129")]
    [InlineData("fe80::1%eth0/64")]
    public void What_pg_hba_would_choke_on_is_refused_by_name(string network)
    {
        var refused = Assert.Throws<MigrationException>(() => ClientNetworks.Check(["10.0.0.0/8", network]));

        Assert.Equal("NetworkInvalid", refused.ErrorId);
        Assert.Contains(network, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.0/16")]
    [InlineData("10.0.0.5/16")] // PostgreSQL masks the rest itself
    [InlineData("0.0.0.0/0")]
    [InlineData("fd00::/8")]
    [InlineData("::1/128")]
    public void A_network_passes(string network) => ClientNetworks.Check([network]);
}
