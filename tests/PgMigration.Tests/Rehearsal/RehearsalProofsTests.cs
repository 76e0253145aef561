namespace PgMigration.Tests;

/// <summary>A proof that cannot fail proves nothing: each is made to fail here, by breaking what it stands for.</summary>
public sealed class RehearsalProofsTests(HandMadeCutoverFixture fixture) : IClassFixture<HandMadeCutoverFixture>
{
    private static readonly string Orders = RehearsalTable.All[0].Name;

    private RehearsalEvidence Evidence => fixture.Evidence;

    [Fact]
    public async Task A_cutover_done_right_passes_every_proof()
    {
        var proofs = await RehearsalProofs.ProveAsync(Evidence);

        Assert.All(proofs, proof => Assert.True(proof is { Passed: true, Figure: 0 }, $"{proof.Name}: {proof.Detail}"));
        Assert.Equal(11, proofs.Select(proof => proof.Name).Distinct().Count());
    }

    [Fact]
    public async Task A_row_missing_on_the_new_server_is_one_lost_commit()
    {
        var row = RowOf(WriterKind.Plain);
        await BreakAndMendAsync($"DELETE FROM {Orders} WHERE token = {row.Token}", RestoreRow(row),
            proofs =>
            {
                Assert.Equal(1, Failed(proofs, RehearsalProofs.NothingLost).Figure);
                Assert.Contains($"token {row.Token}", Failed(proofs, RehearsalProofs.NothingLost).Detail, StringComparison.Ordinal);
                Assert.Contains($"token {row.Token}", Failed(proofs, RehearsalProofs.NothingLeftBehind).Detail, StringComparison.Ordinal);
            });
    }

    [Theory]
    [InlineData(WriterKind.Asynchronous)]
    [InlineData(WriterKind.Prepared)]
    [InlineData(WriterKind.Straight)]
    public async Task Lost_commits_of_every_kind_of_writer_are_found(WriterKind kind)
    {
        var row = RowOf(kind);
        await BreakAndMendAsync($"DELETE FROM {Orders} WHERE token = {row.Token}", RestoreRow(row),
            proofs => Assert.Contains($"({kind})", Failed(proofs, RehearsalProofs.NothingLost).Detail, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_row_that_has_another_id_than_was_acknowledged_is_lost()
    {
        var row = RowOf(WriterKind.Plain);
        await BreakAndMendAsync($"UPDATE {Orders} SET id = -1 WHERE token = {row.Token}", $"UPDATE {Orders} SET id = {row.Id} WHERE token = {row.Token}",
            proofs => Assert.Equal(1, Failed(proofs, RehearsalProofs.NothingLost).Figure));
    }

    [Fact]
    public async Task A_row_applied_twice_is_found()
    {
        var row = RowOf(WriterKind.Plain);
        await BreakAndMendAsync($"INSERT INTO {Orders} (id, token, writer) SELECT -7, token, writer FROM {Orders} WHERE token = {row.Token}", $"DELETE FROM {Orders} WHERE id = -7",
            proofs => Assert.Equal(1, Failed(proofs, RehearsalProofs.NothingDoubled).Figure));
    }

    [Fact]
    public async Task An_id_stored_twice_is_found_although_no_index_tells()
    {
        var row = RowOf(WriterKind.Plain);
        await BreakAndMendAsync(
            $"ALTER TABLE {Orders} DROP CONSTRAINT app_order_pkey; INSERT INTO {Orders} (id, token, writer, note) VALUES ({row.Id}, 1, 0, 'second')",
            $"DELETE FROM {Orders} WHERE note = 'second'; ALTER TABLE {Orders} ADD PRIMARY KEY (id)",
            proofs => Assert.Contains($"id {row.Id}", Failed(proofs, RehearsalProofs.NothingDoubled).Detail, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_id_acknowledged_by_both_servers_is_found()
    {
        var row = RowOf(WriterKind.Plain);
        using var journal = CopyOfJournal();
        long token = journal.NextToken(3);
        journal.Record(Evidence.OnNewServer.First() with { Rows = [row with { Token = token }] });

        var proofs = await RehearsalProofs.ProveAsync(Evidence with { Journal = journal });

        Assert.Contains("acknowledged 2 times", Failed(proofs, RehearsalProofs.NothingDoubled).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_nobody_wrote_is_found() =>
        await BreakAndMendAsync($"INSERT INTO {Orders} (token, writer) VALUES (987654321, 0)", $"DELETE FROM {Orders} WHERE token = 987654321",
            proofs => Assert.Equal(1, Failed(proofs, RehearsalProofs.NothingInvented).Figure));

    [Fact]
    public async Task A_row_that_was_refused_and_is_there_all_the_same_is_found()
    {
        long token = Evidence.Journal.Failures.First(failure => failure is { IsCertain: true, Tokens.Count: > 0 }).Tokens[0];
        await BreakAndMendAsync($"INSERT INTO {Orders} (token, writer) VALUES ({token}, 0)", $"DELETE FROM {Orders} WHERE token = {token}",
            proofs => Assert.Contains("had been refused", Failed(proofs, RehearsalProofs.NothingInvented).Detail, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_row_that_only_the_old_server_took_is_found()
    {
        await HandMadeCutoverFixture.ExecuteAsync(fixture.OldServer, $"INSERT INTO {Orders} (token, writer) VALUES (55, 0)");
        try
        {
            Assert.Equal(1, Failed(await RehearsalProofs.ProveAsync(Evidence), RehearsalProofs.NothingLeftBehind).Figure);
        }
        finally
        {
            await HandMadeCutoverFixture.ExecuteAsync(fixture.OldServer, $"DELETE FROM {Orders} WHERE token = 55");
        }
    }

    [Fact]
    public async Task A_fence_with_a_hole_is_found()
    {
        await HandMadeCutoverFixture.ExecuteAsync(fixture.OldServer, $"GRANT INSERT ON {Orders} TO {LockedDownHost.AppLogin}");
        try
        {
            var proof = Failed(await RehearsalProofs.ProveAsync(Evidence), RehearsalProofs.FenceStands);
            Assert.Equal(4, proof.Figure); // by each way to begin a session or transaction
        }
        finally
        {
            await HandMadeCutoverFixture.ExecuteAsync(fixture.OldServer, $"REVOKE INSERT ON {Orders} FROM {LockedDownHost.AppLogin}; DELETE FROM {Orders} WHERE token = 0");
        }
    }

    [Fact]
    public async Task A_commit_on_the_old_server_after_the_new_one_began_is_found_by_two_proofs()
    {
        using var journal = CopyOfJournal();
        journal.Record(Evidence.OnOldServer.First(commit => commit.Kind == WriterKind.Straight) with { SentAt = journal.Now, AcknowledgedAt = journal.Now });

        var proofs = await RehearsalProofs.ProveAsync(Evidence with { Journal = journal });

        Assert.Equal(1, Failed(proofs, RehearsalProofs.OneServerAtATime).Figure);
        Assert.Equal(1, Failed(proofs, RehearsalProofs.OldServerRefused).Figure);
    }

    [Fact]
    public async Task A_new_server_on_the_old_timeline_and_a_third_server_are_found()
    {
        using var journal = CopyOfJournal();
        journal.Record(Evidence.OnNewServer.Last() with { Timeline = 1 });
        journal.Record(Evidence.OnNewServer.Last() with { Port = 1 });

        Assert.Equal(2, Failed(await RehearsalProofs.ProveAsync(Evidence with { Journal = journal }), RehearsalProofs.OneServerAtATime).Figure);
    }

    [Fact]
    public async Task That_nobody_tried_the_old_server_after_the_fence_is_no_proof_that_it_refuses()
    {
        using var journal = CopyOfJournal(failure: failure => failure.Pooled);

        Assert.Contains("no write was tried", Failed(await RehearsalProofs.ProveAsync(Evidence with { Journal = journal }), RehearsalProofs.OldServerRefused).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sequence_that_fell_behind_is_found()
    {
        using var journal = CopyOfJournal();
        journal.Record(Evidence.OnNewServer.First(commit => commit.Rows[0].Table == 0) with { Rows = [new WrittenRow(0, 1, journal.NextToken(3))] });

        Assert.Contains("got id 1 from the new server", Failed(await RehearsalProofs.ProveAsync(Evidence with { Journal = journal }), RehearsalProofs.SequencesGoOn).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_duplicate_key_that_the_app_met_fails_two_proofs()
    {
        using var journal = CopyOfJournal();
        journal.Record(new AppFailure(journal.Now, 0, Pooled: true, "23505", "duplicate key value violates unique constraint", []));

        var proofs = await RehearsalProofs.ProveAsync(Evidence with { Journal = journal });

        Assert.Equal(1, Failed(proofs, RehearsalProofs.SequencesGoOn).Figure);
        Assert.Equal(1, Failed(proofs, RehearsalProofs.NoErrors).Figure);
    }

    [Fact]
    public async Task A_writer_that_never_came_back_is_found()
    {
        using var journal = CopyOfJournal(commit: commit => commit.Port == Evidence.OldServer.Port || commit.Kind != WriterKind.Prepared);

        Assert.Contains("(Prepared) has not committed on the new server", Failed(await RehearsalProofs.ProveAsync(Evidence with { Journal = journal }), RehearsalProofs.EveryoneWrote).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_filled_row_that_changed_is_found() =>
        await BreakAndMendAsync("UPDATE shop.document SET title = title || ' ' WHERE id = 1", "UPDATE shop.document SET title = rtrim(title) WHERE id = 1",
            proofs => Assert.Equal("shop.document differs", Failed(proofs, RehearsalProofs.SameData).Detail));

    private static RehearsalProof Failed(IReadOnlyList<RehearsalProof> proofs, string name)
    {
        var proof = proofs.Single(each => each.Name == name);
        Assert.False(proof.Passed, proof.Detail);
        return proof;
    }

    private async Task BreakAndMendAsync(string wrong, string right, Action<IReadOnlyList<RehearsalProof>> assert)
    {
        await HandMadeCutoverFixture.ExecuteAsync(fixture.NewServerAsSuperuser, wrong);
        try
        {
            assert(await RehearsalProofs.ProveAsync(Evidence));
        }
        finally
        {
            await HandMadeCutoverFixture.ExecuteAsync(fixture.NewServerAsSuperuser, right);
        }
    }

    private WrittenRow RowOf(WriterKind kind) =>
        Evidence.OnOldServer.First(commit => commit.Kind == kind && commit.Rows[0].Table == 0).Rows[0];

    private static string RestoreRow(WrittenRow row) => $"INSERT INTO {Orders} (id, token, writer) VALUES ({row.Id}, {row.Token}, 0)";

    private CommitJournal CopyOfJournal(Func<AcknowledgedCommit, bool>? commit = null, Func<AppFailure, bool>? failure = null)
    {
        var copy = new CommitJournal();
        foreach (var each in Evidence.Journal.Commits.Where(commit ?? (_ => true)))
        {
            copy.Record(each);
        }

        foreach (var each in Evidence.Journal.Failures.Where(failure ?? (_ => true)))
        {
            copy.Record(each);
        }

        for (int writer = 0; writer <= 4; writer++)
        {
            while (Evidence.Journal.WasGiven(copy.NextToken(writer)))
            {
            }
        }

        return copy;
    }
}
