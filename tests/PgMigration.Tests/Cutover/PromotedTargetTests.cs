using Npgsql;

namespace PgMigration.Tests;

/// <summary>Between the promotion and the point of no return: going back costs a new restore, and a target that was not stopped could still open.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class PromotedTargetTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync();

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task A_target_whose_sessions_break_after_the_promotion_costs_no_new_restore()
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        var plan = new CutoverPlan([.. CutoverPlan.ForWal().Steps.Select(step => step is ProveTarget ? new Interrupted(step, _bed.Link.Target) : step)]);

        var report = await new CutoverRunner(plan, context).RunAsync();

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
    }

    [Fact]
    public async Task A_promotion_that_arrives_after_its_time_is_none()
    {
        // as if a network had held the request back until now
        await using var session = await _bed.Link.Target.ConnectAsync();
        var late = new NpgsqlParameter<DateTime>("until", await session.ScalarAsync<DateTime>("select clock_timestamp()", CancellationToken.None));
        Assert.Empty(await session.RowsAsync(PromoteTarget.Request, row => row.GetBoolean(0), CancellationToken.None, late));

        var inTime = new NpgsqlParameter<DateTime>("until", late.TypedValue + TimeSpan.FromMinutes(10));
        Assert.Single(await session.RowsAsync(PromoteTarget.Request, row => row.GetBoolean(0), CancellationToken.None, inTime));
    }

    private sealed class Interrupted(ICutoverStep inner, PgServer target) : ICutoverStep
    {
        private bool _done;

        public string Name => inner.Name;

        public string Effect => inner.Effect;

        public string UndoEffect => inner.UndoEffect;

        public CutoverMark Mark => inner.Mark;

        public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
        {
            if (!_done)
            {
                _done = true;
                await using var other = await target.ConnectAsync(cancel);
                await other.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()", cancel);
            }

            return await inner.DoAsync(context, cancel);
        }

        public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

        public Task UndoAsync(CutoverContext context, CancellationToken cancel) => inner.UndoAsync(context, cancel);
    }
}
