using System.Globalization;

namespace PgMigration.Faults;

/// <summary>What a cutover costs the app, beside the same by plain commands, in turn.</summary>
internal static class CutoverBench
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    // The journal's steps by the words of the table in docs/.
    private static readonly Dictionary<string, string> Words = new()
    {
        [nameof(PauseApp)] = "pause", [nameof(FenceSource)] = "fence", [nameof(MarkSource)] = "mark", [nameof(CompleteLastSegment)] = "segment", [nameof(DrainLink)] = "drain",
        [nameof(PromoteTarget)] = "promote", [nameof(ProveTarget)] = "prove", [nameof(OpenTarget)] = "open", [nameof(RepointApp)] = "repoint", [nameof(ResumeApp)] = "resume",
    };

    /// <summary><c>--runs</c> of each, at <c>--rates</c> commits a second, for <c>--logins</c>; the last lines are about the last of both.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        string Option(string name, string otherwise) => Array.IndexOf(arguments, name) is >= 0 and var at && at + 1 < arguments.Length ? arguments[at + 1] : otherwise;
        int runs = int.Parse(Option("--runs", "10"), CultureInfo.InvariantCulture);
        int[] rates = [.. Option("--rates", "200,2000").Split(',').Select(rate => int.Parse(rate, CultureInfo.InvariantCulture)).Order()];
        List<MeasuredCutover> ours = [], byHand = [];
        int errors = 0;
        foreach (var login in Option("--logins", "Superuser,Ordinary").Split(',').Select(name => Enum.Parse<BenchLogin>(name, ignoreCase: true)))
        {
            await using var bed = await FaultBed.CreateAsync(segmentMegabytes: 16);
            foreach (int rate in rates)
            {
                (ours, byHand) = ([], []);
                for (int run = 0; run < runs; run++)
                {
                    ours.Add(await MeasureAsync(bed, rate, login, () => CutOverAsync(bed, login)));
                    byHand.Add(await MeasureAsync(bed, rate, login, () => new CutoverByHand(bed, login).RunAsync()));
                }

                errors += ours.Sum(each => each.Errors);
                string name = $"{(login == BenchLogin.Superuser ? "superuser" : "ordinary login")}, {rate} commits/s asked";
                Print($"{name}: this cutover", ours);
                Print($"{name}: by hand", byHand);
            }
        }

        Line("downtime_p50", Median(ours.Select(each => each.Gap.TotalSeconds)), "s");
        Line("downtime_worst", ours.Max(each => each.Gap.TotalSeconds), "s");
        Line("by_hand_p50", Median(byHand.Select(each => each.Gap.TotalSeconds)), "s");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"BENCH cutover app_errors {errors} errors"));
        return 0;
    }

    private static async Task<MeasuredCutover> MeasureAsync(FaultBed bed, int rate, BenchLogin login, Func<Task<IReadOnlyList<(string, double)>>> cutOver)
    {
        await bed.ResetAsync();
        var setup = bed.Setup with
        {
            // straight to the servers
            Source = SessionSetup.Address.Of(login == BenchLogin.Superuser ? bed.Host.Superuser : bed.Host.App), Target = SessionSetup.Address.Of(bed.Link.Target), Console = SessionSetup.Address.Of(bed.Admin),
            MaxPause = 60, PauseTimeout = 10, FenceTimeout = 10, PromoteTimeout = 30,
        };
        await File.WriteAllTextAsync(bed.SetupFile, setup.ToText());
        using var journal = new CommitJournal();
        await using var app = new RehearsalApp(bed.Pooled, bed.Host.App, new RehearsalAppOptions { Writers = 8, Readers = 2, CommitsPerSecond = rate }, journal);
        await app.StartAsync();
        var started = journal.Now;
        await Task.Delay(WarmUp);
        var began = journal.Now;
        double had = journal.Commits.Count(commit => commit.AcknowledgedAt > started) / (began - started).TotalSeconds;
        var parts = await cutOver();
        var ended = journal.Now;
        await Task.Delay(TimeSpan.FromMilliseconds(700));
        await app.StopAsync(TimeSpan.FromSeconds(10));
        var evidence = new RehearsalEvidence { Journal = journal, OldServer = bed.Host.Superuser, OldServerAsApp = bed.Host.App, NewServer = bed.TargetForApp, CutoverBegan = began, CutoverEnded = ended };
        var rows = await RehearsalRows.ReadAsync(bed.Link.Target, CancellationToken.None);
        int lost = journal.Commits.Count(commit => !commit.Rows.All(rows.Contains));
        if (lost > 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"     {lost} commits lost"));
        }

        return new MeasuredCutover(evidence.WriteDowntime, parts, journal.Failures.Count(failure => failure.Pooled), had);
    }

    // In a process of its own, as a session is: a client that shares the app's process would also share its pauses.
    private static async Task<IReadOnlyList<(string, double)>> CutOverAsync(FaultBed bed, BenchLogin login)
    {
        string path = Path.Combine(bed.Folder, "bench.journal");
        File.Delete(path);
        List<string> log = [];
        using var session = SessionProcess.Start(bed.SetupFile, "invoke", path, null, null, line =>
        {
            lock (log)
            {
                log.Add(line);
            }
        });
        await session.EndAsync(TimeSpan.FromSeconds(120));
        return session.Lines.Contains("RESULT CutOver")
            ? [.. session.Lines.Where(line => line.StartsWith("TOOK ", StringComparison.Ordinal)).Select(line => line.Split(' ')).Where(words => Words.ContainsKey(words[1])).Select(words => (Words[words[1]], double.Parse(words[2], CultureInfo.InvariantCulture)))]
            : throw new InvalidOperationException($"The cutover as {login} did not end on the target: {string.Join(Environment.NewLine, log)}");
    }

    private static void Print(string name, List<MeasuredCutover> measured)
    {
        var worst = measured.MaxBy(each => each.Gap)!;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: gap p50 {Median(measured.Select(each => each.Gap.TotalSeconds)):0.000} s, worst {measured.Max(each => each.Gap.TotalSeconds):0.000} s of {measured.Count}, {Median(measured.Select(each => each.Rate)):0} commits/s had, {measured.Sum(each => each.Errors)} errors"));
        Console.WriteLine($"     parts, p50: {Parts(part => Median(measured.Select(each => SecondsOf(each, part))))}");
        Console.WriteLine($"     parts of the worst: {Parts(part => SecondsOf(worst, part))}");

        string Parts(Func<string, double> seconds) => string.Join(", ", worst.Parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Part} {seconds(part.Part):0.000}")));
        static double SecondsOf(MeasuredCutover one, string part) => one.Parts.First(other => other.Part == part).Seconds;
    }

    private static void Line(string what, double value, string unit) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"BENCH cutover {what} {value:0.00} {unit}"));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[sorted.Count / 2 - 1] + sorted[sorted.Count / 2]) / 2;
    }
}
