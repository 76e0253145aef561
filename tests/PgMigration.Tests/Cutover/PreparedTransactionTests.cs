using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;

namespace PgMigration.Tests;

/// <summary>An application with two-phase commit: its prepared transactions get a time to end, and one whose manager is gone is named.</summary>
public sealed class PreparedTransactionTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync(null, "max_prepared_transactions = 20");

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Theory]
    [InlineData(4, false)]
    [InlineData(2, true)]
    public async Task A_busy_two_phase_application_is_cut_over_and_no_acknowledged_commit_is_lost(int managers, bool throughThePooler)
    {
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentBag<string>();
        var running = Enumerable.Range(0, managers).Select(number => ManageAsync(throughThePooler ? _bed.Pooler.App : _bed.Host.App, number, acknowledged, stop.Token)).ToList();
        await ArchivingServer.UntilAsync("the managers commit", () => Task.FromResult(acknowledged.Count > 50));

        var report = await _bed.Cutover().RunAsync(_bed.NewJournal);

        await stop.CancelAsync();
        await Task.WhenAll(running);
        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        await using var target = await _bed.Link.Target.ConnectAsync();
        var there = await target.RowsAsync("select who from items", row => row.GetString(0), CancellationToken.None);
        Assert.Empty(acknowledged.Except(there));
        Assert.Equal(0, await target.ScalarAsync<long>("select count(*) from pg_prepared_xacts", CancellationToken.None));
        await using var source = await _bed.Host.Superuser.ConnectAsync();
        Assert.Equal(0, await source.ScalarAsync<long>("select count(*) from pg_prepared_xacts", CancellationToken.None));
    }

    [Fact]
    public async Task A_transaction_whose_manager_is_gone_is_named_with_how_to_decide_it_while_live_ones_are_not()
    {
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentBag<string>();
        await using (var gone = await _bed.Host.App.ConnectAsync())
        {
            await gone.ExecuteAsync("begin; insert into items (who) values ('gone'); prepare transaction 'left over'", CancellationToken.None);
        }

        var running = ManageAsync(_bed.Host.App, 1, acknowledged, stop.Token);
        await ArchivingServer.UntilAsync("the manager commits", () => Task.FromResult(acknowledged.Count > 5));

        var cutover = _bed.Cutover();
        var error = await Assert.ThrowsAsync<MigrationException>(() => (cutover with { Options = cutover.Options with { FenceTimeout = TimeSpan.FromMilliseconds(300) } }).RunAsync(_bed.NewJournal));

        await stop.CancelAsync();
        await running;
        Assert.Equal("CutoverNotBegun", error.ErrorId);
        Assert.Contains("If the manager is gone, decide the transaction: COMMIT PREPARED 'left over' or ROLLBACK PREPARED 'left over'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("'manager-1'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transaction_that_nobody_decides_behind_the_fence_is_undone_without_advice_to_decide_a_live_one()
    {
        string journal = _bed.NewJournal;
        await using var owner = await _bed.Host.App.ConnectAsync();
        using var open = CutoverJournal.Create(journal);
        await using var context = _bed.Context(open, new CutoverOptions { FenceTimeout = TimeSpan.FromSeconds(2) });
        var plan = WrappedStep.Plan(nameof(FenceSource), before: _ => owner.ExecuteAsync("begin; insert into items (who) values ('live'); prepare transaction 'live'", CancellationToken.None));

        var error = await Assert.ThrowsAsync<MigrationException>(() => new CutoverRunner(plan, context).RunAsync());

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.Contains("'live' of app", error.Message, StringComparison.Ordinal);
        Assert.Contains("connects through the paused app's pooler", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("ROLLBACK PREPARED", error.Message, StringComparison.Ordinal);
        await using var again = await _bed.Host.App.ConnectAsync();
        await again.ExecuteAsync("commit prepared 'live'", CancellationToken.None);
        await _bed.WriteAsAppAsync();
    }

    // A transaction manager: it decides what it prepared, also after its session was ended, and begins nothing new once it is refused.
    private async Task ManageAsync(PgServer server, int number, ConcurrentBag<string> acknowledged, CancellationToken stop)
    {
        string gid = $"manager-{number}"; // the same name again and again
        NpgsqlConnection? session = null;
        string? prepared = null;
        for (int turn = 0; !stop.IsCancellationRequested || prepared is not null; turn++)
        {
            try
            {
                session ??= await server.ConnectAsync(CancellationToken.None);
                if (prepared is null)
                {
                    string row = string.Create(CultureInfo.InvariantCulture, $"two-phase {number} {turn}");
                    await session.ExecuteAsync($"begin; insert into items (who) values ('{row}')", CancellationToken.None);
                    await session.ExecuteAsync($"prepare transaction '{gid}'", CancellationToken.None);
                    prepared = row;
                }

                await session.ExecuteAsync($"commit prepared '{gid}'", CancellationToken.None);
                acknowledged.Add(prepared);
                prepared = null;
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UndefinedObject)
            {
                prepared = null; // decided, and the answer lost
            }
            catch (Exception error) when (error is NpgsqlException or MigrationException)
            {
                prepared ??= await IsPreparedAsync(gid) ? string.Create(CultureInfo.InvariantCulture, $"two-phase {number} {turn}") : null;
                await (session?.DisposeAsync() ?? ValueTask.CompletedTask);
                session = null;
                await Task.Delay(10, CancellationToken.None);
            }
        }

        await (session?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    // A session that was ended while it prepared does not know whether it did.
    private async Task<bool> IsPreparedAsync(string gid)
    {
        await using var session = await _bed.Host.Superuser.ConnectAsync();
        return await session.ScalarAsync<bool>("select exists (select from pg_prepared_xacts where gid = @gid)", CancellationToken.None, new NpgsqlParameter<string>("gid", gid));
    }
}
