using Xunit.Abstractions;

namespace PgMigration.Tests;

/// <summary>Whole rehearsals, small ones.</summary>
public sealed class MigrationRehearsalTests(ITestOutputHelper output)
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), "pgm-test-" + Guid.NewGuid().ToString("N")[..8]);

    [Fact]
    public async Task A_small_rehearsal_passes_every_proof_and_leaves_nothing_behind()
    {
        var report = await MigrationRehearsal.RunAsync(await OptionsAsync(), new Watcher(output));

        foreach (var phase in report.Phases)
        {
            output.WriteLine($"{phase.Name,-24} {phase.Duration.TotalSeconds,8:F2} {phase.Bytes / 1e6,10:F1}");
        }

        Assert.All(report.Proofs, proof => Assert.True(proof.Passed, $"{proof.Name}: {proof.Detail}"));
        Assert.Null(report.Failure);
        Assert.Matches(@"^REHEARSAL leg1_downtime \d+\.\d\d s commits \d+ lost 0 doubled 0 app_errors 0 refused_after_fence [1-9]\d*$", report.MachineLine);
        Assert.InRange(report.WriteDowntime.TotalSeconds, 0.01, 10);
        Assert.True(report is { CommitsBefore: > 0, CommitsAfter: > 0, Folder: null });
        Assert.Equal(["Make the host", "Fill it", "Start the app", "Back it up", "Restore the backup", "Follow the archive", "Cut over", "Run on the new server", "Prove", "Clean up"], report.Phases.Select(phase => phase.Name));
        AssertNothingIsLeft();
    }

    [Theory]
    [InlineData("Fill it")]
    [InlineData("Back it up")]
    [InlineData("Restore the backup")]
    [InlineData("Cut over")]
    [InlineData("Prove")]
    public async Task A_rehearsal_that_is_cancelled_leaves_neither_processes_nor_files(string phase)
    {
        using var cancel = new CancellationTokenSource();
        var watcher = new Watcher(output) { Begun = name => { if (name == phase) { cancel.CancelAfter(150); } } };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await MigrationRehearsal.RunAsync(await OptionsAsync(), watcher, cancel.Token));

        AssertNothingIsLeft();
    }

    [Fact]
    public async Task A_kept_rehearsal_leaves_its_files_and_no_process()
    {
        var watcher = new Watcher(output);
        try
        {
            var report = await MigrationRehearsal.RunAsync(await OptionsAsync() with { Keep = true }, watcher);

            Assert.Equal(_path, report.Folder);
            Assert.All((string[])["host/PG_VERSION", "target/PG_VERSION", "archive/basebackups_005", "commits.journal", "cutover.journal"], name => Assert.True(Path.Exists(Path.Combine(_path, name)), name));
            Assert.Equal(report.CommitsBefore + report.CommitsAfter, File.ReadLines(Path.Combine(_path, "commits.journal")).Count(line => line.StartsWith("commit\t", StringComparison.Ordinal)));
            Assert.Contains(watcher.Warnings, warning => warning.Contains(_path, StringComparison.Ordinal));
            Assert.Empty(ProcessesThatName(_path));
        }
        finally
        {
            Directory.Delete(_path, recursive: true);
        }
    }

    [Fact]
    public async Task A_folder_with_something_in_it_is_refused_and_left_as_it_is()
    {
        Directory.CreateDirectory(_path);
        string file = Path.Combine(_path, "precious");
        await File.WriteAllTextAsync(file, "mine");
        try
        {
            var refused = await Assert.ThrowsAsync<MigrationException>(async () => await MigrationRehearsal.RunAsync(await OptionsAsync(), new Watcher(output)));

            Assert.Equal("WorkFolderNotEmpty", refused.ErrorId);
            Assert.Equal("mine", await File.ReadAllTextAsync(file));
        }
        finally
        {
            Directory.Delete(_path, recursive: true);
        }
    }

    private async Task<RehearsalOptions> OptionsAsync() => new()
    {
        Leg = RehearsalLeg.First, DataSize = 20_000_000, App = new RehearsalAppOptions { Writers = 4, CommitsPerSecond = 300 }, Soak = TimeSpan.FromSeconds(1), Follow = TimeSpan.FromSeconds(1), Path = _path,
        ProgramFolder = await NativePrograms.FolderAsync(),
    };

    private void AssertNothingIsLeft()
    {
        Assert.False(Directory.Exists(_path));
        Assert.Empty(ProcessesThatName(_path));
    }

    private static IEnumerable<string> ProcessesThatName(string path)
    {
        foreach (string process in Directory.GetDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
        {
            string command;
            try
            {
                command = File.ReadAllText(Path.Combine(process, "cmdline")).Replace('\0', ' ');
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                continue; // it ended meanwhile
            }

            if (command.Contains(path, StringComparison.Ordinal))
            {
                yield return command;
            }
        }
    }

    private sealed class Watcher(ITestOutputHelper output) : IMigrationObserver
    {
        private readonly List<string> _warnings = [];

        public Action<string>? Begun { get; init; }

        public IReadOnlyList<string> Warnings => _warnings;

        public void Progress(MigrationProgress progress)
        {
            if (progress.Activity == "Rehearsal" && progress.Status.EndsWith(": begun", StringComparison.Ordinal))
            {
                Begun?.Invoke(progress.Status[..^": begun".Length]);
            }
        }

        public void Warning(string message)
        {
            lock (_warnings)
            {
                _warnings.Add(message);
            }

            output.WriteLine("WARNING " + message);
        }

        public void Verbose(string message) => output.WriteLine(message);
    }
}
