using System.Globalization;

namespace PgMigration.Faults;

/// <summary>Many runs, one after the other, and the line at the end.</summary>
internal static class FaultRuns
{
    /// <summary>
    /// Runs seeds from <c>--seed</c> on; <c>--only</c> takes those of one kind of fault; <c>--at "PromoteTarget before"</c> and <c>--for</c>
    /// (seconds) put the fault elsewhere than the seed does.
    /// </summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        string Option(string name, string otherwise) => Array.IndexOf(arguments, name) is >= 0 and var at && at + 1 < arguments.Length ? arguments[at + 1] : otherwise;
        int runs = int.Parse(Option("--runs", "15"), CultureInfo.InvariantCulture);
        int seed = int.Parse(Option("--seed", "1"), CultureInfo.InvariantCulture);
        string only = Option("--only", string.Empty);
        string sabotage = Option("--sabotage", string.Empty);
        bool verbose = arguments.Contains("--verbose") || runs == 1;
        if (only.Length > 0 && !Enum.TryParse<FaultKind>(only, ignoreCase: true, out _))
        {
            Console.Error.WriteLine($"There is no fault '{only}'. Expected one of: {string.Join(", ", Enum.GetNames<FaultKind>())}.");
            return 2;
        }

        if (!FaultBed.CanLimitDisk)
        {
            Console.WriteLine("Not root, so the target gets no small file system: runs with TargetDiskFull go without their fault.");
        }

        var results = new List<RunResult>();
        var beds = new Dictionary<int, FaultBed>();
        try
        {
            for (; results.Count < runs; seed++)
            {
                var scenario = Scenario.Of(seed);
                if (only.Length > 0 && !scenario.Kind.ToString().Equals(only, StringComparison.OrdinalIgnoreCase))
                {
                    continue;
                }

                if (Option("--at", string.Empty).Split(' ') is [var step, var boundary])
                {
                    scenario = scenario with { Step = step, Boundary = boundary };
                }

                if (double.TryParse(Option("--for", string.Empty), CultureInfo.InvariantCulture, out double seconds))
                {
                    scenario = scenario with { Duration = TimeSpan.FromSeconds(seconds) };
                }

                if (!beds.TryGetValue(scenario.SegmentMegabytes, out var bed))
                {
                    beds[scenario.SegmentMegabytes] = bed = await FaultBed.CreateAsync(scenario.SegmentMegabytes);
                }

                var result = await FaultRun.RunAsync(bed, scenario, sabotage.Length == 0 ? null : sabotage);
                results.Add(result);
                Print(results.Count, result, verbose);
            }
        }
        finally
        {
            foreach (var bed in beds.Values)
            {
                await bed.DisposeAsync();
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"FAULTS runs {results.Count} lost {results.Sum(each => each.Lost.Count)} doubled {results.Sum(each => each.Doubled.Count)} splitbrain {results.Sum(each => each.SplitBrain.Count)} stuck {results.Sum(each => each.Stuck.Count)}"));
        return results.All(each => each.Passed) ? 0 : 1;
    }

    private static void Print(int number, RunResult result, bool verbose)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{number,4} {(result.Passed ? "ok    " : "FAILED")} {result.Scenario} → {result.End?.ToString() ?? "neither end"}, {result.Commits} commits, {result.Time.TotalSeconds:0.0} s"));
        if (result.Passed && !verbose)
        {
            return;
        }

        foreach (string line in result.Log)
        {
            Console.WriteLine($"       {line}");
        }

        foreach (var (what, found) in ((string, IReadOnlyList<string>)[])[("lost", result.Lost), ("doubled", result.Doubled), ("splitbrain", result.SplitBrain), ("stuck", result.Stuck)])
        {
            foreach (string each in found.Take(10))
            {
                Console.WriteLine($"     {what}: {each}");
            }

            if (found.Count > 10)
            {
                Console.WriteLine($"     {what}: and {found.Count - 10} more");
            }
        }
    }
}
