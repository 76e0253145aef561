using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>The second leg by its cmdlets, from the start to the removal, on a local DMS.</summary>
public sealed class DmsReplicationCmdletTests(ModulePostgres postgres) : IClassFixture<ModulePostgres>, IDisposable
{
    private const string Table = "CREATE TABLE item (id bigserial PRIMARY KEY, name varchar(20))";

    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _engine.Run("Stop-LocalDms $args[0] -Confirm:$false", _folder["dms"]);
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_replication_is_planned_started_waited_for_shown_cut_over_in_plan_and_removed()
    {
        string source = postgres.NewDatabase(Table, "INSERT INTO item (name) SELECT 'n' || i FROM generate_series(1, 50) i");
        string target = postgres.NewDatabase(Table);
        _engine.Run("$dms = Start-LocalDms $args[0]; $source = $args[1]; $target = $args[2]", _folder["dms"], source, target);

        var plan = _engine.Run("Start-PgDmsReplication $source $target -LocalDms $dms -WhatIf");
        Assert.Equal(["Instance", "Endpoint", "Endpoint", "Task"], plan.Select(row => row.Properties["What"].Value));
        Assert.Empty(_engine.Run("Get-PgDmsReplication -LocalDms $dms"));

        _engine.Run("$link = Start-PgDmsReplication $source $target -LocalDms $dms -Timeout 60 | Wait-ReplicationLag -Below 5s -Timeout 60");
        Assert.Equal("50", postgres.Sql(target, "SELECT count(*) FROM item"));
        var task = Assert.Single(_engine.Run("$link | Get-PgDmsReplication"));
        Assert.Equal("Following", task.Properties["State"].Value);
        Assert.Equal("public.item", _engine.Run("($link | Get-PgDmsReplication).Tables[1].Table")[0].BaseObject);
        Assert.Equal("Following", _engine.Run("($link | Get-ReplicationLag).State.ToString()")[0].BaseObject);

        // a link that came over remoting has no key: the local DMS is named
        var remoted = (PSObject)PSSerializer.Deserialize(PSSerializer.Serialize(_engine.Run("$link")[0], 1));
        Assert.Equal("Following", _engine.Run("($args[0] | Get-PgDmsReplication -LocalDms $dms).State", remoted)[0].BaseObject);
        Assert.Contains("RepairSequences", _engine.Run("$link | Invoke-Cutover -App (New-MigrationApp -Pause {} -Repoint {} -Resume {}) -WhatIf").Select(row => row.Properties["Step"].Value));

        _engine.Run("$link | Stop-PgDmsReplication -Confirm:$false");
        Assert.Equal("Stopped", _engine.Run("($link | Get-PgDmsReplication).State")[0].BaseObject);
        var removed = _engine.Run("$link | Remove-PgDmsReplication -Confirm:$false");
        Assert.All(removed, item => Assert.True((bool)item.Properties["Removed"].Value, item.ToString()));
        Assert.Equal("0", postgres.Sql(source, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"));
    }
}
