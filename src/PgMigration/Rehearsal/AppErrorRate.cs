using System.Globalization;

namespace PgMigration;

/// <summary>A gate on the rehearsal's app: of what it tried through the pooler lately, only so much may have failed.</summary>
internal sealed class AppErrorRate(CommitJournal journal, TimeSpan window, double limit) : MigrationGate
{
    /// <inheritdoc/>
    public override string Kind => "ErrorRate";

    /// <inheritdoc/>
    public override string Expected => string.Create(CultureInfo.InvariantCulture, $"an error rate below {limit:P0}");

    /// <summary>The share of failures among all that the app tried within a time, and how many those were.</summary>
    public static (double Rate, int Failures, int Tried) Of(CommitJournal journal, DateTime from, DateTime until)
    {
        int failures = journal.Failures.Count(failure => failure.Pooled && failure.At >= from && failure.At < until);
        int tried = failures + journal.Commits.Count(commit => commit.Pooled && commit.AcknowledgedAt >= from && commit.AcknowledgedAt < until);
        return (tried == 0 ? 0 : (double)failures / tried, failures, tried);
    }

    /// <inheritdoc/>
    protected override Task<GateObservation> ObserveAsync(CancellationToken cancel)
    {
        var (rate, failures, tried) = Of(journal, journal.Now - window, journal.Now);
        return Task.FromResult(new GateObservation(rate < limit, string.Create(CultureInfo.InvariantCulture, $"{rate:P1} errors ({failures} of {tried})")));
    }
}
