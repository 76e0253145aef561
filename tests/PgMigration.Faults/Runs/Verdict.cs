using System.Globalization;

namespace PgMigration.Faults;

/// <summary>What the writers were told against what the servers hold.</summary>
internal sealed class Verdict(FaultBed bed, CommitJournal journal, IReadOnlyList<(int Port, DateTime From, DateTime To)> crashes)
{
    // wal_writer_delay is 200 ms: an asynchronous commit is on disk after at most three times that.
    private static readonly TimeSpan AsynchronousLimit = TimeSpan.FromSeconds(1);

    public List<string> Lost { get; } = [];

    public List<string> Doubled { get; } = [];

    public List<string> SplitBrain { get; } = [];

    /// <summary>Judges, with everybody stopped and every server that may run running.</summary>
    /// <param name="end">Where the app is.</param>
    public async Task JudgeAsync(CutoverOutcome end)
    {
        int sourcePort = bed.Host.App.Port, targetPort = bed.Link.Target.Port;
        var onSource = await RehearsalRows.ReadAsync(bed.Host.Superuser, CancellationToken.None);
        var onTarget = bed.Target.ProcessId is null ? null : await RehearsalRows.ReadAsync(bed.Link.Target, CancellationToken.None);
        bool cutOver = end == CutoverOutcome.CutOver;
        var home = cutOver ? onTarget! : onSource;
        var commits = journal.Commits;

        var excused = commits.Where(commit => MayBeLost(commit) && !commit.Rows.Any(onSource.Contains) && onTarget?.Contains(commit.Rows[0]) != true).ToHashSet();
        Lost.AddRange(commits.Where(commit => !excused.Contains(commit) && !commit.Rows.All(home.Contains)).Select(commit => $"{Describe(commit)} is not on the server where the app is"));
        if (cutOver)
        {
            Lost.AddRange(onSource.All.Where(row => !home.Contains(row)).Select(row => $"{RehearsalProofs.Describe(row)} is on the source alone"));
        }

        Doubled.AddRange(home.Doubled);
        Doubled.AddRange(commits.Where(commit => !excused.Contains(commit)).SelectMany(commit => commit.Rows).GroupBy(row => (row.Table, row.Id)).Where(same => same.Count() > 1)
            .Select(same => $"{RehearsalProofs.Describe(same.First())} was acknowledged {same.Count()} times"));
        Doubled.AddRange(journal.Failures.Where(failure => failure.SqlState == "23505").Select(failure => $"at {failure.At:HH:mm:ss.fff}: {failure.Message}"));
        var refused = journal.Failures.Where(failure => failure.IsCertain).SelectMany(failure => failure.Tokens).ToHashSet();
        Doubled.AddRange(home.All.Where(row => refused.Contains(row.Token)).Select(row => $"{RehearsalProofs.Describe(row)} had been refused"));
        Doubled.AddRange(home.All.Where(row => !journal.WasGiven(row.Token)).Select(row => $"{RehearsalProofs.Describe(row)} was never written"));
        Doubled.AddRange(IdsThatWentBack(commits.Where(commit => !excused.Contains(commit)), sourcePort, targetPort));

        var opened = commits.Where(commit => commit.Port == targetPort).Select(commit => (DateTime?)commit.AcknowledgedAt).Min();
        SplitBrain.AddRange(commits.Where(commit => commit.Port == sourcePort && commit.SentAt > opened).Select(commit => $"{Describe(commit)}, by the source, after the target's first at {opened:HH:mm:ss.fff}"));
        if (!cutOver)
        {
            SplitBrain.AddRange(commits.Where(commit => commit.Port == targetPort).Select(commit => $"{Describe(commit)}, by the target, although the app is on the source"));
        }
    }

    // A physical copy carries its sequences: what the target hands out lies beyond what the source did.
    private static IEnumerable<string> IdsThatWentBack(IEnumerable<AcknowledgedCommit> commits, int sourcePort, int targetPort)
    {
        var ids = commits.SelectMany(commit => commit.Rows.Select(row => (commit.Port, row.Table, row.Id))).ToList();
        for (int table = 0; table < RehearsalTable.All.Count; table++)
        {
            long last = ids.Where(each => each.Port == sourcePort && each.Table == table).Select(each => each.Id).DefaultIfEmpty(0).Max();
            long first = ids.Where(each => each.Port == targetPort && each.Table == table).Select(each => each.Id).DefaultIfEmpty(long.MaxValue).Min();
            if (first <= last)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{RehearsalTable.All[table].Name} got id {first} from the target, and the source had given {last}");
            }
        }
    }

    private bool MayBeLost(AcknowledgedCommit commit) => commit.Kind is WriterKind.Asynchronous or WriterKind.Straight
        && crashes.Any(crash => commit.Port == crash.Port && commit.AcknowledgedAt > crash.From - AsynchronousLimit && commit.AcknowledgedAt < crash.To);

    private static string Describe(AcknowledgedCommit commit) => string.Create(CultureInfo.InvariantCulture,
        $"the commit of writer {commit.Writer} ({commit.Kind}), {RehearsalProofs.Describe(commit.Rows[0])}, acknowledged at {commit.AcknowledgedAt:HH:mm:ss.fff} by port {commit.Port}");
}
