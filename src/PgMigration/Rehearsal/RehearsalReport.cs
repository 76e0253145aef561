using System.Globalization;

namespace PgMigration;

/// <summary>How a rehearsal went: what each phase took, what the app saw, and what was proven.</summary>
public sealed record RehearsalReport
{
    /// <summary>The phases, in order.</summary>
    public required IReadOnlyList<RehearsalPhase> Phases { get; init => field = value.ToArray(); }

    /// <summary>Which legs were rehearsed.</summary>
    public RehearsalLeg Leg { get; init; } = RehearsalLeg.First;

    /// <summary>The longest time between two commits that the app had acknowledged through the pooler, across the first cutover.</summary>
    public required TimeSpan WriteDowntime { get; init; }

    /// <summary>The same across the second leg's cutover; null when it was not rehearsed.</summary>
    public TimeSpan? SecondWriteDowntime { get; init; }

    /// <summary>How far the target was behind when the first cutover began.</summary>
    public required ReplicationLag LagAtCutover { get; init; }

    /// <summary>How many commits the old server acknowledged.</summary>
    public required int CommitsBefore { get; init; }

    /// <summary>How many commits the servers after it acknowledged.</summary>
    public required int CommitsAfter { get; init; }

    /// <summary>How many acknowledged commits are not, or not wholly, on the last server.</summary>
    public required long Lost { get; init; }

    /// <summary>How many ids were given or stored twice.</summary>
    public required long Doubled { get; init; }

    /// <summary>How many errors reached the app through the pooler.</summary>
    public required int AppErrors { get; init; }

    /// <summary>How many writes the old server refused to the writer that went straight to it, since the cutover began.</summary>
    public required int RefusedAfterFence { get; init; }

    /// <summary>How many reads the app made.</summary>
    public required long Reads { get; init; }

    /// <summary>What was proven, or not.</summary>
    public required IReadOnlyList<RehearsalProof> Proofs { get; init => field = value.ToArray(); }

    /// <summary>What happened in an accident that was replayed, a sentence an act; empty when none was.</summary>
    public IReadOnlyList<string> Story { get; init => field = value.ToArray(); } = [];

    /// <summary>The size of the database when it was filled, in bytes.</summary>
    public required long DatabaseBytes { get; init; }

    /// <summary>When the rehearsal began, in UTC.</summary>
    public required DateTime StartedAt { get; init; }

    /// <summary>Where its files are when they were kept; the servers are stopped.</summary>
    public string? Folder { get; init; }

    /// <summary>Whether every proof passed.</summary>
    public bool Passed => Proofs.All(proof => proof.Passed);

    /// <summary>All phases together.</summary>
    public TimeSpan Duration => TimeSpan.FromTicks(Phases.Sum(phase => phase.Duration.Ticks));

    /// <summary>The line for machines; its form does not change.</summary>
    public string MachineLine => string.Create(CultureInfo.InvariantCulture,
        $"REHEARSAL {(Leg == RehearsalLeg.Second ? string.Empty : $"leg1_downtime {WriteDowntime.TotalSeconds.ToString("F2", CultureInfo.InvariantCulture)} s ")}{(SecondWriteDowntime is { } second ? $"leg2_downtime {second.TotalSeconds.ToString("F2", CultureInfo.InvariantCulture)} s " : string.Empty)}commits {CommitsBefore + CommitsAfter} lost {Lost} doubled {Doubled} app_errors {AppErrors} refused_after_fence {RefusedAfterFence}");

    /// <summary>The error that a rehearsal with a failed proof ends in, once its report has been handed on; null when all passed.</summary>
    public MigrationException? Failure => Passed ? null : new MigrationException("RehearsalProofFailed", MigrationErrorKind.InvalidData,
        $"The rehearsal's cutover failed {Proofs.Count(proof => !proof.Passed)} of {Proofs.Count} proofs: {string.Join(". ", Proofs.Where(proof => !proof.Passed).Select(proof => $"{proof.Name}: {proof.Detail}"))}. Do not migrate before the cause is known; -Keep leaves everything in place to look at.");

    internal static RehearsalReport From(IReadOnlyList<RehearsalEvidence> legs, IReadOnlyList<RehearsalProof> proofs, IReadOnlyList<RehearsalPhase> phases, ReplicationLag lag, long databaseBytes, DateTime startedAt) => new()
    {
        Leg = legs.Count > 1 ? RehearsalLeg.Both : legs[0].Leg,
        Phases = phases,
        LagAtCutover = lag,
        WriteDowntime = legs[0].WriteDowntime,
        SecondWriteDowntime = legs[^1] is { Leg: RehearsalLeg.Second } second ? second.WriteDowntime : null,
        CommitsBefore = legs[0].OnOldServer.Count(),
        CommitsAfter = legs.Sum(leg => leg.OnNewServer.Count()),
        Lost = Figure(proofs, RehearsalProofs.NothingLost),
        Doubled = Figure(proofs, RehearsalProofs.NothingDoubled),
        AppErrors = legs[0].Journal.Failures.Count(failure => failure.Pooled),
        RefusedAfterFence = legs.Sum(RehearsalProofs.RefusedAfterFence),
        Reads = legs[0].Journal.Reads,
        Proofs = proofs,
        DatabaseBytes = databaseBytes,
        StartedAt = startedAt,
    };

    // What the first leg lost is missing at the end of the second, too.
    private static long Figure(IReadOnlyList<RehearsalProof> proofs, string name) => proofs.Where(each => each.Name.EndsWith(name, StringComparison.Ordinal)).Max(each => each.Figure);
}
