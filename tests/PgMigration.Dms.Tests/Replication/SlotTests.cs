using Npgsql.Replication;
using Npgsql.Replication.TestDecoding;

namespace PgMigration.Dms.Tests;

/// <summary>Whose slots are whose, where others follow the source with the login that DMS has.</summary>
[Collection(DmsCollection.Name)]
public sealed class SlotTests(DmsBed bed)
{
    [Fact]
    public async Task A_slot_that_another_consumer_of_the_same_login_makes_is_neither_watched_nor_dropped_but_named()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var link = await shop.FollowAsync();
        string name = $"debezium_{shop.Source.Database}";
        await using var consumer = new LogicalReplicationConnection($"Host={shop.Source.Host};Port={shop.Source.Port};Database={shop.Source.Database};Username={shop.Source.User}");
        await consumer.Open();
        var slot = await consumer.CreateTestDecodingReplicationSlot(name);
        using var end = new CancellationTokenSource();
        var reading = ReadAsync(consumer, slot, end.Token);
        await TestTask.UntilAsync(() => Shop.CountAsync(shop.Source, $"pg_replication_slots WHERE slot_name = '{name}' AND active"), count => count == 1);

        await TestPostgres.ExecuteAsync(shop.Source, "SELECT pg_logical_emit_message(false, 'noise', repeat('x', 3000000))");
        var lag = await LagWait.UntilAsync(link, LagLimit.OfTime(TimeSpan.FromSeconds(2)), TimeSpan.FromSeconds(60), IMigrationObserver.None);
        var watched = await ReadSlotsAsync(link);
        var removed = await DmsRemoval.RemoveAsync(link, TimeSpan.FromSeconds(60), IMigrationObserver.None);

        Assert.Equal(LinkState.Following, lag.State);
        Assert.Equal([$"awsdms_local_{link.TaskArns[0][(link.TaskArns[0].LastIndexOf(':') + 1)..].ToLowerInvariant()}"], watched);
        var left = Assert.Single(removed, item => item.What == "Slot");
        Assert.Equal((name, false), (left.Name, left.Removed));
        Assert.Contains($"pg_drop_replication_slot('{name}')", left.Detail, StringComparison.Ordinal);
        Assert.Equal(1, await Shop.CountAsync(shop.Source, $"pg_replication_slots WHERE slot_name = '{name}' AND active"));
        await end.CancelAsync();
        await reading;
        await TestTask.UntilAsync(() => Shop.CountAsync(shop.Source, $"pg_replication_slots WHERE slot_name = '{name}' AND active"), count => count == 0);
        await TestPostgres.ExecuteAsync(shop.Source, $"SELECT pg_drop_replication_slot('{name}')");
    }

    [Theory]
    [InlineData("2kpcjkh6ikofiu63_00016402_7f514566_e4ce_419a_a49e_561b4a1d9c8c", true)]
    [InlineData("awsdms_local_another", false)]
    [InlineData("debezium", false)]
    public void A_slot_is_DMSs_by_its_name_alone(string slot, bool isOwn)
    {
        var link = new DmsLink { Target = bed.Target.Server, Tasks = [new DmsTaskName("t-1", "arn:aws:dms:eu-central-1:1:task:ABC", "dms")] };

        Assert.Equal(isOwn, DmsSlots.IsOwn(link, slot, hasOthers: false));
        Assert.False(DmsSlots.IsOwn(link, slot, hasOthers: true));
        Assert.True(DmsSlots.IsOwn(link, "awsdms_local_abc", hasOthers: true));
    }

    private static async Task<string[]> ReadSlotsAsync(DmsLink link)
    {
        await using var session = await link.Source!.ConnectAsync();
        return [.. (await DmsSlots.ReadAsync(session, link, default)).Select(slot => slot.Name)];
    }

    private static async Task ReadAsync(LogicalReplicationConnection consumer, TestDecodingReplicationSlot slot, CancellationToken cancel)
    {
        try
        {
            await foreach (var message in consumer.StartReplication(slot, cancel))
            {
                consumer.SetReplicationStatus(message.WalEnd);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
