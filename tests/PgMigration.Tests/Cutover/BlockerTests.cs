namespace PgMigration.Tests;

/// <summary>What a physical copy does not carry closes the gate, unless it is accepted by name.</summary>
public sealed class BlockerTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync(
        "create unlogged table cart (id int primary key); insert into cart select generate_series(1, 500); create unlogged table empty_cart (id int)");

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task An_unlogged_table_with_rows_is_named_before_anything_is_touched_and_can_be_accepted()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().RunAsync(_bed.NewJournal));

        Assert.Equal("CutoverNotBegun", error.ErrorId);
        Assert.Contains("UnloggedTable: unlogged: public.cart. WAL does not carry", error.Message, StringComparison.Ordinal);
        Assert.Contains("-Accept UnloggedTable", error.Message, StringComparison.Ordinal);
        var cutover = _bed.Cutover();
        Assert.Equal(CutoverOutcome.CutOver, (await (cutover with { Options = cutover.Options with { Accept = ["unloggedtable"] } }).RunAsync(_bed.NewJournal)).Outcome);
    }
}
