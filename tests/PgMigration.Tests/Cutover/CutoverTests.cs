using System.Collections.Concurrent;
using Npgsql;
using Xunit.Abstractions;

namespace PgMigration.Tests;

public sealed class CutoverTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_acknowledged_commit_is_on_the_new_server_and_the_app_sees_only_latency()
    {
        await using var bed = await CutoverBed.CreateAsync();
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentBag<long>();
        var writers = Enumerable.Range(0, 6).Select(number => WriteAsync(bed.Pooler.App, number % 2 == 0, acknowledged, stop.Token)).ToList();
        await UntilAsync(() => acknowledged.Count > 200);

        var report = await bed.Cutover().RunAsync(bed.NewJournal);
        int before = acknowledged.Count;
        await UntilAsync(() => acknowledged.Count > before + 200);
        await stop.CancelAsync();
        await Task.WhenAll(writers); // a writer that saw an error throws it here

        foreach (var step in report.Steps)
        {
            output.WriteLine($"{step.Step,-20} {step.Time.TotalMilliseconds,7:0} ms  {step.Proof}");
        }

        output.WriteLine($"paused {report.Paused}");
        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        await using var target = await bed.Link.Target.ConnectAsync();
        var there = (await target.RowsAsync("select id from items", row => row.GetInt64(0), CancellationToken.None)).ToHashSet();
        Assert.Empty(acknowledged.Except(there));
        Assert.Equal(acknowledged.Count, acknowledged.Distinct().Count());
        await using var old = await bed.Host.App.ConnectAsync("-c default_transaction_read_only=off");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => old.ExecuteAsync("insert into items (who) values ('late')", CancellationToken.None));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        Assert.True(await target.ScalarAsync<bool>("select to_regnamespace('pgmigration') is null", CancellationToken.None));
    }

    private static async Task WriteAsync(PgServer server, bool asynchronous, ConcurrentBag<long> acknowledged, CancellationToken stop)
    {
        await using var session = await server.ConnectAsync(CancellationToken.None);
        while (!stop.IsCancellationRequested)
        {
            string sql = asynchronous
                ? "begin; set local synchronous_commit = off; insert into items (who) values ('async') returning id; commit"
                : "insert into items (who) values ('sync') returning id";
            acknowledged.Add(await session.ScalarAsync<long>(sql, CancellationToken.None));
        }
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!holds())
        {
            await Task.Delay(5, deadline.Token);
        }
    }
}
