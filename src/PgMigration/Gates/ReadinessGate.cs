using System.Globalization;

namespace PgMigration;

/// <summary>A gate that holds while nothing stands in the way of a migration: no finding of <see cref="Readiness"/> is a blocker.</summary>
public sealed class ReadinessGate(PgServer source, PgServer? target, ReadinessOptions options) : MigrationGate
{
    // What a link that runs already has taken for itself is wanting no more.
    private static readonly HashSet<string> OnlyToBegin = new(StringComparer.Ordinal) { "NoSlotFree", "NoSenderFree" };

    /// <summary>The server that the app leaves.</summary>
    public PgServer Source => source;

    /// <summary>The server that it goes to; null when there is none yet.</summary>
    public PgServer? Target => target;

    /// <inheritdoc/>
    public override string Kind => "Readiness";

    /// <inheritdoc/>
    public override string Expected => $"no blocker for {options.Way}";

    /// <inheritdoc/>
    protected override async Task<GateObservation> ObserveAsync(CancellationToken cancel)
    {
        // The lengths of large values are nothing to wait for at a cutover, and no blocker.
        var findings = await Readiness.ReadAsync(source, target, options with { MeasuresLargeValues = false }, cancel: cancel);
        var blockers = findings.Where(finding => finding.Severity == FindingSeverity.Blocker && !OnlyToBegin.Contains(finding.Name)).ToList();
        string seen = string.Create(CultureInfo.InvariantCulture, $"{findings.Count} findings");
        return blockers.Count == 0 ? new GateObservation(true, $"no blocker among {seen}")
            : GateObservation.No(string.Create(CultureInfo.InvariantCulture, $"{blockers.Count} blockers among {seen}: {string.Join("; ", blockers.Take(3).Select(blocker => $"{blocker.Name} ({blocker.Subject})"))}"));
    }
}
