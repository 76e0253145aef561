using Npgsql;

namespace PgMigration.Tests;

/// <summary>What happens on the source behind its fence is not on the target: it is found before the target opens, however long a cutover lay still.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SinceTheMarkTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync("""
        create table doomed (id int); create table notes (id int, body text default 'none'); insert into notes values (1);
        create type mood as enum ('fine'); create function made() returns int language sql as 'select 1';
        select lo_from_bytea(4711, 'before')
        """);

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task What_an_owner_does_in_spite_of_the_fence_is_found_before_the_promotion()
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        await MarkTable.CreateAsync(await context.SourceSessionAsync(default), default);
        context.Learn(context.Facts with { SegmentSize = 16 * 1024 * 1024 });
        foreach (var (sql, found) in ((string, string?)[])
            [
                ("select 1", null),
                ("create temporary table mine (id serial primary key)", null),
                ("select pg_logical_emit_message(true, 'somebody', 'writes something')", null),
                ("grant insert (body), update (body) on notes to app; update notes set body = 'lost' where id = 1", "column body of notes"),
                ("alter type mood add value 'sad'", "value 'sad' of type mood"),
                ("alter table notes alter column body set default 'some'", "notes"),
                ("alter function made() cost 7", "function made()"),
                ("comment on function made() is 'changes no row that counts'", null),
                ("alter schema public owner to app", "schema public"),
                ("drop table doomed", "1 relation"),
                ("drop function made()", "1 function"),
                ("select lo_unlink(4711)", "1 large object"),
            ])
        {
            await new FenceSource().DoAsync(context, default);
            await new MarkSource().DoAsync(context, default);
            await new CompleteLastSegment().DoAsync(context, default);
            await using (var owner = await _bed.Host.Superuser.ConnectAsync("-c default_transaction_read_only=off"))
            {
                await owner.ExecuteAsync(sql.StartsWith("alter schema", StringComparison.Ordinal) ? sql : $"set role app; {sql}", CancellationToken.None);
            }

            var drained = await Record.ExceptionAsync(() => new DrainLink().DoAsync(context, default));

            Assert.Equal(found is null ? null : "SourceWrittenAfterMark", (drained as MigrationException)?.ErrorId ?? drained?.Message);
            Assert.Contains(found ?? string.Empty, drained?.Message ?? string.Empty, StringComparison.Ordinal);
            await new FenceSource().UndoAsync(context, default);
            context.Learn(context.Facts with { Fence = null });
        }
    }

    [Fact]
    public async Task A_right_that_is_granted_between_the_fences_proof_and_the_mark_is_found_too()
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        await MarkTable.CreateAsync(await context.SourceSessionAsync(default), default);
        await new FenceSource().DoAsync(context, default);
        await using (var owner = await _bed.Host.App.ConnectAsync("-c default_transaction_read_only=off"))
        {
            await owner.ExecuteAsync("grant insert on notes to app", CancellationToken.None);
        }

        await new MarkSource().DoAsync(context, default);

        Assert.Equal("SourceWrittenAfterMark", (await Assert.ThrowsAsync<MigrationException>(() => SinceTheMark.ProveUntouchedAsync(context, default))).ErrorId);
    }

    [Fact]
    public async Task A_source_that_was_opened_by_hand_is_not_left_behind_by_a_resume()
    {
        string path = await StopBeforePromotionAsync();
        await using (var host = await _bed.Host.Superuser.ConnectAsync("-c default_transaction_read_only=off"))
        {
            await host.ExecuteAsync("grant insert on items to app; grant usage on sequence items_id_seq to app; alter database app reset default_transaction_read_only; alter role app in database app reset default_transaction_read_only", CancellationToken.None);
        }

        await using (var app = await _bed.Host.App.ConnectAsync())
        {
            await app.ExecuteAsync("insert into items (who) values ('by hand')", CancellationToken.None);
        }

        var error = await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().ResumeAsync(path));

        Assert.Equal("SourceNotFenced", error.ErrorId);
        Assert.Contains("app may ", error.Message, StringComparison.Ordinal);
        await using (var target = await _bed.Link.Target.ConnectAsync())
        {
            Assert.True(await target.ScalarAsync<bool>("select pg_is_in_recovery()", CancellationToken.None));
        }

        Assert.Equal(CutoverOutcome.BackOnSource, (await _bed.Cutover().UndoAsync(path)).Outcome); // as it says
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task A_source_that_was_opened_and_fenced_again_meanwhile_is_not_left_behind_either()
    {
        string path = await StopBeforePromotionAsync();
        await using (var host = await _bed.Host.Superuser.ConnectAsync("-c default_transaction_read_only=off"))
        {
            await host.ExecuteAsync("grant update on notes to app; set role app; update notes set body = 'by hand'; revoke update on notes from app", CancellationToken.None);
        }

        var error = await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().ResumeAsync(path));

        Assert.Equal("SourceNotFenced", error.ErrorId);
        Assert.Contains("relation notes was made or changed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_cannot_be_asked_is_left_behind_only_when_somebody_says_that_it_is_stopped()
    {
        string path = await StopBeforePromotionAsync();
        await _bed.Host.StopAsync();

        Assert.Equal("SourceStateUnknown", (await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().ResumeAsync(path))).ErrorId);

        var told = _bed.Cutover();
        Assert.Equal(CutoverOutcome.CutOver, (await (told with { Options = told.Options with { SourceIsStopped = true } }).ResumeAsync(path)).Outcome);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task An_older_copy_of_a_journal_opens_no_second_server_when_the_target_is_out_of_its_reach()
    {
        string path = _bed.NewJournal;
        string copy = _bed.NewJournal;
        using (var journal = CutoverJournal.Create(path))
        {
            await using var context = _bed.Context(journal);
            var plan = WrappedStep.Plan(nameof(PromoteTarget), before: _ =>
            {
                File.WriteAllLines(copy, File.ReadAllLines(path).Where(line => !line.Contains(nameof(PromoteTarget), StringComparison.Ordinal) || line.Contains(nameof(CutoverEvent.Planned), StringComparison.Ordinal)));
                return Task.CompletedTask;
            });
            Assert.Equal(CutoverOutcome.CutOver, (await new CutoverRunner(plan, context).RunAsync()).Outcome);
        }

        var away = _bed.Cutover() with { Link = new CutoverBed.CopyLink { Source = _bed.Link.Source, Target = _bed.Link.Target.WithHost("127.0.0.1", 1) } };
        var error = await Assert.ThrowsAsync<MigrationException>(() => away.UndoAsync(copy));

        Assert.Equal("JournalStale", error.ErrorId);
        Assert.Contains("older copy", error.Message, StringComparison.Ordinal);
        await using var old = await _bed.Host.App.ConnectAsync("-c default_transaction_read_only=off");
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, (await Assert.ThrowsAsync<PostgresException>(() => old.ExecuteAsync("insert into items (who) values ('second')", CancellationToken.None))).SqlState);
    }

    // What a death between the journal's line and the request to promote leaves.
    private async Task<string> StopBeforePromotionAsync()
    {
        string path = _bed.NewJournal;
        var stopped = _bed.Cutover();
        await (stopped with { Options = stopped.Options with { Until = nameof(DrainLink), LeaveAppPaused = true } }).RunAsync(path);
        using var journal = CutoverJournal.Open(path);
        journal.Write(CutoverEvent.Begun, nameof(PromoteTarget));
        return path;
    }
}
