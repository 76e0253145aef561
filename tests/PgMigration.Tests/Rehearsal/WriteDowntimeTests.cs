namespace PgMigration.Tests;

public sealed class WriteDowntimeTests
{
    private static readonly PgServer Old = new("127.0.0.1", 1, "app", "app");
    private static readonly PgServer New = new("127.0.0.1", 2, "app", "app");

    [Fact]
    public void It_is_the_longest_gap_that_touches_the_cutover()
    {
        using var journal = new CommitJournal();
        var evidence = Evidence(journal, (0.0, WriterKind.Plain), (3.0, WriterKind.Plain), (5.0, WriterKind.Plain), (5.4, WriterKind.Asynchronous), (5.5, WriterKind.Plain), (9.0, WriterKind.Plain));

        // 3.0 → 5.0 ends and 5.5 → 9.0 begins outside the cutover, which lasts from 5.1 to 5.45
        Assert.Equal(TimeSpan.FromSeconds(0.4), evidence.WriteDowntime);
    }

    [Fact]
    public void Commits_that_went_past_the_pooler_do_not_shorten_it()
    {
        using var journal = new CommitJournal();
        var evidence = Evidence(journal, (5.0, WriterKind.Plain), (5.2, WriterKind.Straight), (5.8, WriterKind.Plain));

        Assert.Equal(TimeSpan.FromSeconds(0.8), evidence.WriteDowntime);
    }

    [Fact]
    public void It_goes_on_while_no_commit_has_followed_the_cutover()
    {
        using var journal = new CommitJournal();
        var evidence = Evidence(journal, (4.0, WriterKind.Plain), (5.2, WriterKind.Plain));

        Assert.True(evidence.WriteDowntime > TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void The_line_for_machines_keeps_its_form()
    {
        using var journal = new CommitJournal();
        var evidence = Evidence(journal, (5.0, WriterKind.Plain), (5.45, WriterKind.Plain));
        journal.Record(new AppFailure(At(5.3), 9, Pooled: false, "25006", "cannot execute INSERT in a read-only transaction", [1]));
        journal.Record(new AppFailure(At(5.3), 9, Pooled: false, "57P01", "terminating connection due to administrator command", [2]));
        journal.Record(new AppFailure(At(4.0), 9, Pooled: false, "25006", "before the cutover", [3]));
        RehearsalProof[] proofs = [new(RehearsalProofs.NothingLost, false, 2, "two are missing"), new(RehearsalProofs.NothingDoubled, true, 0, "")];

        var report = RehearsalReport.From([evidence], proofs, [], new ReplicationLag { State = LinkState.Following, MeasuredAt = At(0) }, databaseBytes: 1, startedAt: At(0));

        Assert.Equal("REHEARSAL leg1_downtime 0.45 s commits 2 lost 2 doubled 0 app_errors 0 refused_after_fence 1", report.MachineLine);
        Assert.False(report.Passed);
        Assert.Equal("RehearsalProofFailed", report.Failure!.ErrorId);
        Assert.Contains("two are missing", report.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_second_leg_s_downtime_joins_the_line_behind_the_first_s()
    {
        using var journal = new CommitJournal();
        var first = Evidence(journal, (5.0, WriterKind.Plain), (5.45, WriterKind.Plain), (5.5, WriterKind.Plain), (7.0, WriterKind.Plain));
        journal.Record(new AcknowledgedCommit(0, WriterKind.Plain, At(7.25), At(7.25), 9999, 1, []));
        var second = first with { Leg = RehearsalLeg.Second, OldServer = New, NewServer = New.WithHost("127.0.0.1", 9999), CutoverBegan = At(7.1), CutoverEnded = At(7.2), EarlierPorts = [Old.Port] };
        RehearsalProof[] proofs = [new(RehearsalProofs.NothingLost, true, 0, ""), new(RehearsalProofs.OfSecondLeg + RehearsalProofs.NothingLost, false, 1, "one is missing"), new(RehearsalProofs.NothingDoubled, true, 0, "")];

        var report = RehearsalReport.From([first with { LaterPorts = [9999] }, second], proofs, [], new ReplicationLag { State = LinkState.Following, MeasuredAt = At(0) }, databaseBytes: 1, startedAt: At(0));

        Assert.Equal("REHEARSAL leg1_downtime 0.45 s leg2_downtime 0.25 s commits 5 lost 1 doubled 0 app_errors 0 refused_after_fence 0", report.MachineLine);
    }

    private static DateTime At(double seconds) => new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddMilliseconds(Math.Round(seconds * 1000));

    private static RehearsalEvidence Evidence(CommitJournal journal, params (double At, WriterKind Kind)[] commits)
    {
        foreach (var (at, kind) in commits)
        {
            journal.Record(new AcknowledgedCommit(0, kind, At(at), At(at), at < 5.4 ? Old.Port : New.Port, 1, []));
        }

        return new RehearsalEvidence { Journal = journal, OldServer = Old, OldServerAsApp = Old, NewServer = New, CutoverBegan = At(5.1), CutoverEnded = At(5.45) };
    }
}
