using System.Globalization;

namespace PgMigration;

/// <summary>Proves, from what the app remembers and what both servers hold, that a cutover lost nothing and doubled nothing.</summary>
/// <remarks>Whole sets are compared, row by row: equal counts prove nothing.</remarks>
public static class RehearsalProofs
{
    /// <summary>Every acknowledged commit is on the new server.</summary>
    public const string NothingLost = "Every acknowledged commit is on the new server";

    /// <summary>No id was given or stored twice.</summary>
    public const string NothingDoubled = "No id twice";

    /// <summary>The new server holds no row that the app never wrote.</summary>
    public const string NothingInvented = "No row that the app did not write";

    /// <summary>The old server acknowledged nothing once the new one had.</summary>
    public const string OneServerAtATime = "At most one server took writes";

    /// <summary>The old server refused the writer that went straight to it.</summary>
    public const string OldServerRefused = "The old server refused every write after the fence";

    /// <summary>The old server has no row that the new one lacks.</summary>
    public const string NothingLeftBehind = "The old server has no row that the new one lacks";

    /// <summary>The old server refuses writes now.</summary>
    public const string FenceStands = "The old server still refuses writes";

    /// <summary>Ids on the new server go on where the old one's ended.</summary>
    public const string SequencesGoOn = "Ids go on without collision";

    /// <summary>Every writer committed before and after.</summary>
    public const string EveryoneWrote = "Every writer committed on both sides of the cutover";

    /// <summary>What was filled in before the backup is the same on both servers.</summary>
    public const string SameData = "The filled tables are the same on both servers";

    /// <summary>No error came through the pooler.</summary>
    public const string NoErrors = "No error reached the app through the pooler";

    /// <summary>What a proof of the second leg is called begins with this.</summary>
    public const string OfSecondLeg = "Leg 2: ";

    /// <summary>Makes every proof. The app has stopped; both servers run.</summary>
    /// <param name="evidence">From what.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<IReadOnlyList<RehearsalProof>> ProveAsync(RehearsalEvidence evidence, CancellationToken cancel = default)
    {
        var readOld = RehearsalRows.ReadAsync(evidence.OldServer, cancel);
        var readNew = RehearsalRows.ReadAsync(evidence.NewServer, cancel);
        await Task.WhenAll(readOld, readNew);

        // only now: where the fence has a hole, its proof leaves rows behind
        var fence = OldServerFence.ProveAsync(evidence.OldServerAsApp, cancel);
        var sameData = FilledDataComparison.ProveAsync(evidence.OldServer, evidence.NewServer, cancel);
        await Task.WhenAll(fence, sameData);
        var (oldRows, newRows) = (await readOld, await readNew);
        RehearsalProof[] proofs =
        [
            ProveNothingLost(evidence, newRows),
            ProveNothingDoubled(evidence, newRows),
            ProveNothingInvented(evidence, newRows),
            ProveNothingLeftBehind(oldRows, newRows),
            ProveOneServerAtATime(evidence),
            ProveOldServerRefused(evidence),
            await fence,
            ProveSequencesGoOn(evidence, newRows),
            ProveEveryoneWrote(evidence),
            ProveNoErrors(evidence),
            await sameData,
        ];
        return evidence.Leg == RehearsalLeg.Second ? [.. proofs.Select(proof => proof with { Name = OfSecondLeg + proof.Name })] : proofs;
    }

    private static RehearsalProof ProveNothingLost(RehearsalEvidence evidence, RehearsalRows newRows)
    {
        var lost = evidence.Commits.Where(commit => !commit.Rows.All(newRows.Contains)).Select(commit => string.Create(CultureInfo.InvariantCulture,
            $"writer {commit.Writer} ({commit.Kind}) had its commit of {Describe(commit.Rows.First(row => !newRows.Contains(row)))} acknowledged at {commit.AcknowledgedAt:HH:mm:ss.fff} by port {commit.Port}")).ToList();
        return RehearsalProof.Of(NothingLost, lost, string.Create(CultureInfo.InvariantCulture, $"{evidence.Commits.Count} commits, {evidence.Commits.Sum(commit => commit.Rows.Count)} rows"));
    }

    private static RehearsalProof ProveNothingDoubled(RehearsalEvidence evidence, RehearsalRows newRows)
    {
        var acknowledged = evidence.Commits.SelectMany(commit => commit.Rows).ToList();
        var against = newRows.Doubled
            .Concat(acknowledged.GroupBy(row => (row.Table, row.Id)).Where(same => same.Count() > 1).Select(same => $"{Describe(same.First())} was acknowledged {same.Count()} times"))
            .ToList();
        return RehearsalProof.Of(NothingDoubled, against, string.Create(CultureInfo.InvariantCulture, $"{newRows.Count} rows on the new server, {acknowledged.Count} acknowledged"));
    }

    private static RehearsalProof ProveNothingInvented(RehearsalEvidence evidence, RehearsalRows newRows)
    {
        var refused = evidence.Journal.Failures.Where(failure => failure.IsCertain).SelectMany(failure => failure.Tokens).ToHashSet();
        var against = newRows.All.Where(row => !evidence.Journal.WasGiven(row.Token)).Select(row => $"{Describe(row)} was never written")
            .Concat(newRows.All.Where(row => refused.Contains(row.Token)).Select(row => $"{Describe(row)} had been refused")).ToList();
        return RehearsalProof.Of(NothingInvented, against, string.Create(CultureInfo.InvariantCulture, $"{newRows.Count} rows, {refused.Count} of them refused"));
    }

    private static RehearsalProof ProveNothingLeftBehind(RehearsalRows oldRows, RehearsalRows newRows) =>
        RehearsalProof.Of(NothingLeftBehind, [.. oldRows.All.Where(row => !newRows.Contains(row)).Select(Describe)],
            string.Create(CultureInfo.InvariantCulture, $"{oldRows.Count} rows on the old server, {newRows.Count} on the new one"));

    private static RehearsalProof ProveOneServerAtATime(RehearsalEvidence evidence)
    {
        // what was sent after the other server had answered was certainly committed after it
        var fenceStood = evidence.FenceStood; // once: it looks through the whole journal
        var oldTimeline = evidence.OnOldServer.Select(commit => commit.Timeline).DefaultIfEmpty().Max();
        var against = evidence.OnOldServer.Where(commit => commit.SentAt > fenceStood)
            .Select(commit => string.Create(CultureInfo.InvariantCulture, $"the old server committed {Describe(commit.Rows[0])} at {commit.AcknowledgedAt:HH:mm:ss.fff}, after the new one had begun"))
            .Concat(evidence.OnNewServer.Where(commit => evidence.IsPhysical && commit.Timeline <= oldTimeline)
                .Select(commit => string.Create(CultureInfo.InvariantCulture, $"the new server committed {Describe(commit.Rows[0])} on timeline {commit.Timeline}, not newer than the old server's")))
            .Concat(evidence.Commits.Where(commit => commit.Port != evidence.OldServer.Port && commit.Port != evidence.NewServer.Port && !evidence.EarlierPorts.Contains(commit.Port))
                .Select(commit => string.Create(CultureInfo.InvariantCulture, $"a server on port {commit.Port}, which is none of them, committed {Describe(commit.Rows[0])}")))
            .ToList();
        return fenceStood is { } stood
            ? RehearsalProof.Of(OneServerAtATime, against, string.Create(CultureInfo.InvariantCulture, $"the new server's first commit was acknowledged at {stood:HH:mm:ss.fff}"))
            : new RehearsalProof(OneServerAtATime, false, 1, "the new server acknowledged no commit at all");
    }

    private static RehearsalProof ProveOldServerRefused(RehearsalEvidence evidence)
    {
        var fenceStood = evidence.FenceStood;
        var accepted = evidence.OnOldServer.Where(commit => commit.SentAt > fenceStood)
            .Select(commit => string.Create(CultureInfo.InvariantCulture, $"writer {commit.Writer} ({commit.Kind}) was let through at {commit.AcknowledgedAt:HH:mm:ss.fff}")).ToList();
        int refused = RefusedAfterFence(evidence);
        return refused == 0 && accepted.Count == 0
            ? new RehearsalProof(OldServerRefused, false, 1, "no write was tried on the old server after the fence, so nothing shows that it refuses any")
            : RehearsalProof.Of(OldServerRefused, accepted, string.Create(CultureInfo.InvariantCulture, $"{refused} writes refused"));
    }

    private static RehearsalProof ProveSequencesGoOn(RehearsalEvidence evidence, RehearsalRows newRows)
    {
        var against = evidence.Journal.Failures.Where(failure => failure.SqlState == "23505").Select(failure => failure.Message).ToList();
        var detail = new List<string>();
        for (int table = 0; table < RehearsalTable.All.Count; table++)
        {
            long last = Ids(evidence.OnOldServer, table).DefaultIfEmpty(0).Max();
            var next = Ids(evidence.OnNewServer, table).ToList();
            string name = RehearsalTable.All[table].Name;
            if (next.Count == 0)
            {
                against.Add($"{name} got no id from the new server");
            }
            else if (next.Min() <= last)
            {
                against.Add(string.Create(CultureInfo.InvariantCulture, $"{name} got id {next.Min()} from the new server, but the old one had given {last}"));
            }
            else
            {
                detail.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {last} → {next.Min()}"));
            }
        }

        return RehearsalProof.Of(SequencesGoOn, against, string.Join(", ", detail));

        static IEnumerable<long> Ids(IEnumerable<AcknowledgedCommit> commits, int table) =>
            commits.SelectMany(commit => commit.Rows).Where(row => row.Table == table).Select(row => row.Id);
    }

    private static RehearsalProof ProveEveryoneWrote(RehearsalEvidence evidence)
    {
        var before = evidence.OnOldServer.Select(commit => (commit.Writer, commit.Kind)).ToHashSet();
        var after = evidence.OnNewServer.Select(commit => (commit.Writer, commit.Kind)).ToHashSet();
        var against = before.Where(writer => writer.Kind != WriterKind.Straight && !after.Contains(writer)).Select(writer => $"writer {writer.Writer} ({writer.Kind}) has not committed on the new server")
            .Concat(after.Where(writer => writer.Kind != WriterKind.Straight && !before.Contains(writer)).Select(writer => $"writer {writer.Writer} ({writer.Kind}) had not committed on the old server"))
            .Concat(Enum.GetValues<WriterKind>().Where(kind => before.All(writer => writer.Kind != kind)).Select(kind => $"no writer of kind {kind} has committed on the old server"))
            .ToList();
        return RehearsalProof.Of(EveryoneWrote, against, string.Create(CultureInfo.InvariantCulture, $"{before.Count} writers before, {after.Count} after"));
    }

    private static RehearsalProof ProveNoErrors(RehearsalEvidence evidence) =>
        RehearsalProof.Of(NoErrors, [.. evidence.Journal.Failures.Where(failure => failure.Pooled).Select(failure => failure.Message)],
            string.Create(CultureInfo.InvariantCulture, $"{evidence.Commits.Count(commit => commit.Pooled)} commits and {evidence.Journal.Reads} reads through it"));

    /// <summary>How many writes the old server refused since the cutover began.</summary>
    internal static int RefusedAfterFence(RehearsalEvidence evidence) =>
        evidence.Journal.Failures.Count(failure => failure is { Pooled: false, IsRefusal: true } && failure.At > evidence.CutoverBegan && (evidence.StraightWriter is not { } writer || failure.Writer == writer));

    internal static string Describe(WrittenRow row) => string.Create(CultureInfo.InvariantCulture, $"{RehearsalTable.All[row.Table].Name} id {row.Id} (token {row.Token})");
}
