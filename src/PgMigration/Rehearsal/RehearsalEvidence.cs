namespace PgMigration;

/// <summary>What a rehearsal's proofs are made from.</summary>
public sealed record RehearsalEvidence
{
    /// <summary>What the app remembers.</summary>
    public required CommitJournal Journal { get; init; }

    /// <summary>The old server, by a login that reads everything whatever the fence.</summary>
    public required PgServer OldServer { get; init; }

    /// <summary>The old server, by the app's login.</summary>
    public required PgServer OldServerAsApp { get; init; }

    /// <summary>The new server, by the app's login.</summary>
    public required PgServer NewServer { get; init; }

    /// <summary>When the cutover began, in UTC.</summary>
    public required DateTime CutoverBegan { get; init; }

    /// <summary>When the cutover had ended, in UTC.</summary>
    public required DateTime CutoverEnded { get; init; }

    /// <summary>Which leg it is about.</summary>
    public RehearsalLeg Leg { get; init; } = RehearsalLeg.First;

    /// <summary>The ports of servers that took writes in a leg before; what they acknowledged must be on the new server too.</summary>
    public IReadOnlyList<int> EarlierPorts { get; init; } = [];

    /// <summary>The ports of servers that take writes in a leg afterwards; what they acknowledge is none of this leg's affair.</summary>
    public IReadOnlyList<int> LaterPorts { get; init; } = [];

    /// <summary>The writer that goes straight to the old server; null when every one that goes straight anywhere does.</summary>
    public int? StraightWriter { get; init; }

    /// <summary>Whether the new server was promoted from a copy of the old one, and so writes a newer timeline.</summary>
    public bool IsPhysical => Leg != RehearsalLeg.Second;

    /// <summary>All commits until this leg's end.</summary>
    public IReadOnlyList<AcknowledgedCommit> Commits => LaterPorts.Count == 0 ? Journal.Commits : [.. Journal.Commits.Where(commit => !LaterPorts.Contains(commit.Port))];

    /// <summary>The commits that the old server acknowledged.</summary>
    public IEnumerable<AcknowledgedCommit> OnOldServer => Journal.Commits.Where(commit => commit.Port == OldServer.Port);

    /// <summary>The commits that the new server acknowledged.</summary>
    public IEnumerable<AcknowledgedCommit> OnNewServer => Journal.Commits.Where(commit => commit.Port == NewServer.Port);

    /// <summary>When the old server's fence certainly stood: the first commit on the new server had its answer. Null when there is none.</summary>
    public DateTime? FenceStood => OnNewServer.Select(commit => (DateTime?)commit.AcknowledgedAt).Min();

    /// <summary>
    /// The longest time between two consecutive commits acknowledged through the pooler, of those that touch the cutover: what the app
    /// felt. When no commit followed the cutover, it lasts to this moment.
    /// </summary>
    public TimeSpan WriteDowntime
    {
        get
        {
            var times = Journal.Commits.Where(commit => commit.Pooled).Select(commit => commit.AcknowledgedAt).Order().ToList();
            if (times.Count == 0 || times[^1] < CutoverEnded)
            {
                times.Add(Journal.Now);
            }

            return times.Zip(times.Skip(1)).Where(pair => pair.Second >= CutoverBegan && pair.First <= CutoverEnded)
                .Select(pair => pair.Second - pair.First).DefaultIfEmpty().Max();
        }
    }
}
