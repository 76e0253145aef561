using System.Diagnostics;

namespace PgMigration.Cmdlets.Tests;

/// <summary>The rehearsal as build.ps1 starts it: small, in a shell of its own, on real servers.</summary>
public sealed class RehearsalScriptTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), "pgm-test-" + Guid.NewGuid().ToString("N")[..8]);

    [Fact]
    public async Task It_ends_with_exit_code_0_and_a_line_for_machines()
    {
        using var run = Start();
        var (exitCode, output, errors) = await run.EndAsync();

        Assert.Equal((0, string.Empty), (exitCode, errors));
        Assert.Matches(@"\nREHEARSAL leg1_downtime \d+\.\d\d s commits \d+ lost 0 doubled 0 app_errors 0 refused_after_fence [1-9]\d*\n$", output);
        Assert.Matches(@"\nCut over +\d+\.\d\d", output);
        Assert.Contains("\nproven  Every acknowledged commit is on the new server: ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("FAILED", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_path));
    }

    [Fact]
    public async Task A_row_that_vanishes_from_the_new_server_fails_it_after_the_report()
    {
        using var run = Start("-Soak", "8");
        string journal = Path.Combine(_path, "commits.journal");
        await UntilAsync(() => File.Exists(journal) && PortsIn(journal).Count > 1);
        int newPort = PortsIn(journal)[^1];
        using (var psql = Process.Start(new ProcessStartInfo("psql",
            ["-X", "-q", "-h", Path.Combine(_path, "target", "pgmigration"), "-p", $"{newPort}", "-U", "hostadmin", "-d", "app", "-c", "DELETE FROM public.app_order WHERE id = (SELECT min(id) FROM public.app_order)"])))
        {
            await psql!.WaitForExitAsync();
            Assert.Equal(0, psql.ExitCode);
        }

        var (exitCode, output, errors) = await run.EndAsync();

        Assert.Equal(1, exitCode);
        Assert.Matches(@"\nREHEARSAL leg1_downtime \d+\.\d\d s commits \d+ lost 1 doubled 0 app_errors 0 refused_after_fence \d+\n$", output);
        Assert.Contains("\nFAILED  Every acknowledged commit is on the new server: ", output, StringComparison.Ordinal);
        Assert.Contains("The rehearsal's cutover failed 2 of", errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_path));
    }

    [Fact]
    public async Task The_accident_of_the_forgotten_sequences_is_refused_with_the_gate_and_stopped_without_it()
    {
        using var run = Start("-Incident", "SequencesForgotten", "-Leg", "2");
        var (exitCode, output, errors) = await run.EndAsync();

        Assert.Equal((0, string.Empty), (exitCode, errors));
        Assert.Matches(@"\* DMS copied the rows and made no sequence move\. With the gate in, the cutover refused before the app was let in[\s\S]*would get numbers that are taken", output);
        Assert.Matches(@"\* With the gate taken out, the app was let in: 0\.0 ?% of its transactions failed before, [1-9]\d*\.\d ?% after", output);
        Assert.Matches(@"\* The gate on the error rate stopped the app \d+\.\d s after the first of them: the second outage\.", output);
        Assert.Matches(@"\* Repair-PgSequence moved [1-9]\d* sequences in \d+ ms, and 0 of [1-9]\d* transactions failed afterwards\.", output);
        Assert.Matches(@"\nREHEARSAL leg2_downtime \d+\.\d\d s commits \d+ lost 0 doubled 0 app_errors [1-9]\d* refused_after_fence [1-9]\d*\n$", output);
        Assert.DoesNotContain("FAILED", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_path));
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_signal_ends_it_and_leaves_nothing(string signal)
    {
        using var run = Start();
        await UntilAsync(() => File.Exists(Path.Combine(_path, "commits.journal")));
        await run.SignalAsync(signal);

        var (exitCode, _, _) = await run.EndAsync();

        Assert.NotEqual(0, exitCode);
        Assert.False(Directory.Exists(_path));
    }

    public void Dispose()
    {
        if (Directory.Exists(_path))
        {
            Directory.Delete(_path, recursive: true);
        }
    }

    private ShellRun Start(params string[] arguments)
    {
        var run = ShellRun.Start([Path.Combine(Checkout.Root, "build", "Rehearse.ps1"), .. arguments.Contains("-Leg") ? (string[])[] : ["-Leg", "1"], "-DataSize", "20MB", "-Writers", "4", "-CommitsPerSecond", "300", "-Follow", "0", .. arguments.Contains("-Soak") ? arguments : ["-Soak", "1", .. arguments], "-Path", _path]);
        run.Input.Close();
        return run;
    }

    private static List<int> PortsIn(string journal)
    {
        using var file = new StreamReader(new FileStream(journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return [.. file.ReadToEnd().Split('\n').Where(line => line.StartsWith("commit\t", StringComparison.Ordinal)).Select(line => line.Split('\t')).Where(parts => parts.Length > 7)
            .Select(parts => int.Parse(parts[5], System.Globalization.CultureInfo.InvariantCulture)).Distinct()];
    }

    // the rehearsal offers no event to another process
    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var clock = Stopwatch.StartNew(); !condition();)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(2));
            await Task.Delay(50);
        }
    }
}
