using System.Diagnostics;
using Xunit.Abstractions;

namespace PgMigration.Tests;

[Collection(PostgresCollection.Name)]
public sealed class ThousandsOfSequencesTests(TestPostgres postgres, ITestOutputHelper output)
{
    [Theory]
    [InlineData(300, 10)]
    public async Task Thousands_of_sequences_are_repaired_in_seconds_and_then_need_nothing(int tables, int columns)
    {
        var target = await postgres.CreateDatabaseAsync();
        await MakeTablesAsync(target, tables, columns);

        var clock = Stopwatch.StartNew();
        var plan = await SequenceRepair.PlanAsync(target);
        var planned = clock.Elapsed;
        var rows = await SequenceRepair.ApplyAsync(plan);
        var applied = clock.Elapsed;
        var again = await SequenceRepair.PlanAsync(target);

        output.WriteLine($"{rows.Count} sequences of {tables} tables: planned in {planned.TotalSeconds:0.00} s, moved in {(applied - planned).TotalSeconds:0.00} s, checked again in {(clock.Elapsed - applied).TotalSeconds:0.00} s");
        Assert.Equal(tables * columns, rows.Count(row => row is { Action: SequenceAction.Advance, After: 1000 }));
        Assert.False(again.HasChanges);
        Assert.InRange(applied, TimeSpan.Zero, TimeSpan.FromSeconds(60)); // about a second on an idle machine
    }

    private static async Task MakeTablesAsync(PgServer target, int tables, int columns)
    {
        // some hundred relations a transaction: the lock table has no room for more
        string definitions = string.Join(", ", Enumerable.Range(0, columns).Select(i => $"c{i} bigserial UNIQUE"));
        string values = string.Join(", ", Enumerable.Repeat("1000", columns));
        await TestPostgres.ExecuteAsync(target, $"""
            DO $$ BEGIN
                FOR i IN 1..{tables} LOOP
                    EXECUTE 'CREATE TABLE t' || i || ' ({definitions})';
                    EXECUTE 'INSERT INTO t' || i || ' VALUES ({values})';
                    IF i % 50 = 0 THEN COMMIT; END IF;
                END LOOP;
            END $$
            """);
    }
}
