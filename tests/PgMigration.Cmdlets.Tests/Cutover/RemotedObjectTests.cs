using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>What came over remoting binds wherever the live objects do; secrets do not travel, and what cannot travel is refused in words.</summary>
public sealed class RemotedObjectTests : IDisposable
{
    private const string Link = """
        [PgMigration.WalLink] @{
            Source = [PgMigration.PgServer]::Parse('postgres://app:hunter2@127.0.0.1:1/shop?sslmode=require'); Target = [PgMigration.PgServer]::Parse('postgres://postgres@127.0.0.1:1/shop')
            TargetAddress = [PgMigration.PgServer]::Parse('postgres://app:hunter2@127.0.0.1:1/shop'); Archive = 's3://bucket/prod'; BackupName = 'base_1'; DataDirectory = '/data/pg'; SystemIdentifier = 7123456789012345678
        }
        """;

    private readonly HostedEngine _engine = HostedEngine.WithModule();

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData(1, "Get-ReplicationLag -Link $args[0]")]
    [InlineData(1, "$args[0] | Get-ReplicationLag")]
    [InlineData(2, "Get-ReplicationLag -Link $args[0]")]
    [InlineData(2, "$args[0] | Get-ReplicationLag")]
    public void A_link_is_measured(int depth, string script)
    {
        var link = OverTheWire(Link, depth);
        Assert.Contains("Deserialized.PgMigration.WalLink", link.TypeNames);

        // nobody listens there: that it was asked is what shows that the link is one again
        using var pipeline = _engine.Pipeline(script, link);
        var lag = Assert.Single(pipeline.Invoke());
        Assert.Empty(pipeline.Streams.Error);
        Assert.Equal("Stalled", lag.Properties["State"].Value.ToString());
        Assert.Contains("127.0.0.1:1", (string)lag.Properties["Detail"].Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_cutover_is_planned_with_link_app_and_servers_of_another_machine(int depth)
    {
        var link = OverTheWire(Link, depth);
        var app = OverTheWire("New-MigrationApp -PgBouncer postgres://admin:hunter2@127.0.0.1:6432/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini", depth);

        var rows = _engine.Run("$args[0] | Invoke-Cutover -App $args[1] -WhatIf", link, app);

        Assert.Contains(rows, row => (string)row.Properties["Step"].Value == "FenceSource");
        Assert.Equal(rows.Count, _engine.Run("Invoke-Cutover -Link $args[0] -App $args[1] -Source postgres://app@127.0.0.1:1/shop -Target postgres://postgres@127.0.0.1:1/shop -WhatIf", link, app).Count);
    }

    [Fact]
    public void A_secret_does_not_travel_and_is_found_in_the_environment()
    {
        var link = OverTheWire(Link, 2);
        Assert.DoesNotContain("hunter2", PSSerializer.Serialize(link, 5), StringComparison.Ordinal);

        Environment.SetEnvironmentVariable("PGPASSWORD", "found anew");
        try
        {
            Assert.Equal("postgres://app@127.0.0.1:1/shop?sslmode=require", _engine.Run("function Read { param([PgMigration.Cmdlets.ReplicationLinkTransformation()] $Link) $Link.Source.ToString() }; Read -Link $args[0]", link)[0].BaseObject);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PGPASSWORD", null);
        }
    }

    [Fact]
    public void An_app_of_script_blocks_is_refused_with_what_to_do()
    {
        var app = OverTheWire("New-MigrationApp -Pause { 1 } -Repoint { param($server) 2 } -Resume { 3 }", 2);

        Assert.Contains("New-MigrationApp", _engine.Fails("$args[0] | Invoke-Cutover -App $args[1] -WhatIf", OverTheWire(Link, 2), app).Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_link_is_refused_in_words() =>
        Assert.Contains("Expected a link", _engine.Fails("Get-ReplicationLag -Link 'postgres://app:hunter2@db/shop'").Exception.Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("-WatchFor 60", "WatchIncomplete")]
    [InlineData("-AutoUndo", "AutoUndoNeedsWayBack")]
    [InlineData("-Until Fence", "StepUnknown")]
    public void Parameters_that_say_nothing_without_each_other_are_refused(string parameters, string id) =>
        Assert.StartsWith(id, _engine.Fails($"$args[0] | Invoke-Cutover -App $args[1] -WhatIf {parameters}", OverTheWire(Link, 2),
            OverTheWire("New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:6432/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini", 2)).FullyQualifiedErrorId, StringComparison.Ordinal);

    private PSObject OverTheWire(string script, int depth) => (PSObject)PSSerializer.Deserialize(PSSerializer.Serialize(Assert.Single(_engine.Run(script)), depth));
}
