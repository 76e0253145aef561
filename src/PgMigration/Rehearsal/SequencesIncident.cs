using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace PgMigration;

/// <summary>
/// The accident of the forgotten sequences, told in four acts on a target that DMS has filled: the cutover that refuses, the one that was told not to look, the gate on
/// the app's error rate, and the repair.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class SequencesIncident(SecondLeg second, OwnServer own, MigrationApp app, CommitJournal journal, WorkFolder folder, IMigrationObserver observer)
{
    /// <summary>The first act's proof.</summary>
    public const string Refused = "With the sequence gate, the app was not let in";

    /// <summary>The second act's proof.</summary>
    public const string Jumped = "Without it, the app's error rate jumped";

    /// <summary>The third act's proof.</summary>
    public const string Stopped = "The error-rate gate stopped the app";

    /// <summary>The fourth act's proof.</summary>
    public const string Mended = "With the sequences repaired, the errors ended";

    private const double Limit = 0.05;
    private const int Convincing = 20; // so many transactions without an error say that errors have ended
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Watch = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<RehearsalProof> _proofs = [];
    private readonly List<string> _story = [];
    private DateTime _stoppedAt;

    /// <summary>What was proven.</summary>
    public IReadOnlyList<RehearsalProof> Proofs => _proofs;

    /// <summary>What happened, a sentence an act.</summary>
    public IReadOnlyList<string> Story => _story;

    private CutoverOptions Options => new() { AppTarget = second.Aurora.App, AppSource = own.App };

    /// <summary>The gate is in, and nobody has made the sequences: the cutover refuses, and the app goes on where it was.</summary>
    public async Task<bool> RefuseAsync(CancellationToken cancel)
    {
        string said = "the cutover went through";
        try
        {
            await new Cutover(second.Link, own.Superuser, app, Options with { RepairSequences = false }, observer).RunAsync(folder["refused.journal"], cancel);
        }
        catch (MigrationException refusal) when (refusal.ErrorId is "CutoverUndone" or "CutoverNotBegun")
        {
            said = refusal.Message;
        }

        bool named = said.Contains("would get numbers that are taken", StringComparison.Ordinal);
        int inside = journal.Commits.Count(commit => commit.Port == second.Aurora.App.Port);
        int errors = journal.Failures.Count(failure => failure.Pooled);
        _proofs.Add(new RehearsalProof(Refused, named && inside == 0 && errors == 0, inside + errors, named ? said : $"expected a refusal because of the sequences; {said}"));
        _story.Add(string.Create(CultureInfo.InvariantCulture, $"DMS copied the rows and made no sequence move. With the gate in, the cutover refused before the app was let in, and the app went on at the old server; {errors} errors reached it. {said}"));
        return true;
    }

    /// <summary>The gate is taken out, as in the accident: the app is let in, and what watches its error rate stops it.</summary>
    public async Task<bool> ForgetAsync(CancellationToken cancel)
    {
        var before = AppErrorRate.Of(journal, journal.Now - (2 * Window), journal.Now);
        var gate = new AppErrorRate(journal, Window, Limit) { Name = "error rate" };
        var options = Options with { WatchFor = Watch, WatchGates = [gate], WatchInterval = TimeSpan.FromMilliseconds(200) };
        var plan = CutoverPlan.ForDms(options);
        plan = plan with { Steps = [.. plan.Steps.Where(step => step is not RepairSequences)] };
        string? said = null;
        using (var memory = CutoverJournal.Create(folder["forgotten.journal"]))
        {
            await using var context = new CutoverContext(second.Link, own.Superuser, options.AppTarget!, app, options, memory, observer);
            try
            {
                await new CutoverRunner(plan, context).RunAsync(cancel);
            }
            catch (MigrationException stopped) when (stopped.ErrorId == "WatchFailed")
            {
                said = stopped.Message;
            }
        }

        _stoppedAt = journal.Now;
        var collisions = journal.Failures.Where(failure => failure is { Pooled: true, SqlState: "23505" }).ToList();
        var first = collisions.Select(failure => (DateTime?)failure.At).Min();
        var after = AppErrorRate.Of(journal, first ?? _stoppedAt, _stoppedAt);
        bool jumped = collisions.Count > 0 && after.Rate >= Limit && before.Rate < Limit;
        string rates = string.Create(CultureInfo.InvariantCulture, $"{before.Rate:P1} of its transactions failed before, {after.Rate:P1} after ({collisions.Count} duplicate keys)");
        _proofs.Add(new RehearsalProof(Jumped, jumped, jumped ? 0 : 1, rates));
        _proofs.Add(new RehearsalProof(Stopped, said is not null, said is null ? 1 : 0, said ?? string.Create(CultureInfo.InvariantCulture, $"the gate held for {Watch.TotalSeconds:0} s, and the app ran on")));
        _story.Add($"With the gate taken out, the app was let in: {rates}{(collisions.Count > 0 ? $", the first of them: {collisions[0].Message.Split('\n')[0]}" : string.Empty)}");
        _story.Add(said is null ? "Nothing stopped it." : string.Create(CultureInfo.InvariantCulture, $"The gate on the error rate stopped the app {(_stoppedAt - (first ?? _stoppedAt)).TotalSeconds:F1} s after the first of them: the second outage."));
        return true;
    }

    /// <summary>The repair that should have been there, and the app is let go on.</summary>
    public async Task<bool> MendAsync(CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        var plan = await SequenceRepair.PlanAsync(second.Aurora.Administrator, own.Superuser, observer: observer, cancel: cancel);
        var rows = await SequenceRepair.ApplyAsync(plan, observer, cancel);
        var repair = clock.Elapsed;
        await app.ResumeAsync(cancel);
        var resumed = journal.Now;
        await UntilCommitsAsync(resumed + Window, cancel);
        var after = AppErrorRate.Of(journal, resumed + (Window / 2), journal.Now);
        bool mended = after is { Failures: 0, Tried: >= Convincing };
        string rate = string.Create(CultureInfo.InvariantCulture, $"{after.Failures} of {after.Tried} transactions failed afterwards");
        _proofs.Add(new RehearsalProof(Mended, mended, after.Failures, rate));
        _story.Add(string.Create(CultureInfo.InvariantCulture,
            $"Repair-PgSequence moved {rows.Count(row => row.Action == SequenceAction.Advance)} sequences in {repair.TotalMilliseconds:0} ms, and {rate}. The app was down for {(resumed - _stoppedAt).TotalSeconds:F1} s once more."));
        return true;
    }

    private async Task UntilCommitsAsync(DateTime since, CancellationToken cancel)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int commits = 0;
        void Note(AcknowledgedCommit commit)
        {
            if (commit.Pooled && commit.AcknowledgedAt >= since && Interlocked.Increment(ref commits) >= Convincing)
            {
                arrived.TrySetResult();
            }
        }

        journal.Recorded += Note;
        try
        {
            await arrived.Task.WaitAsync(Patience, cancel);
        }
        catch (TimeoutException)
        {
            // then the proof says so
        }
        finally
        {
            journal.Recorded -= Note;
        }
    }
}
