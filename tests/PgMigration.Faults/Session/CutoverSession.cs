using System.Globalization;
using System.Runtime;
using System.Runtime.InteropServices;

namespace PgMigration.Faults;

/// <summary>The process of one session, as a console with the cmdlets would be: begins, resumes or undoes a cutover, and can be killed.</summary>
/// <remarks>It says on its output where it is, and waits for a line on its input where it was told to. Ctrl-C reaches it as it does a cmdlet.</remarks>
internal static class CutoverSession
{
    /// <summary>Arguments: the setup's file, <c>invoke</c>, <c>resume</c> or <c>undo</c>, the journal, the point to wait at or <c>-</c>, a sabotage or <c>-</c>.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is not [var file, var verb, var path, var waitAt, var sabotage])
        {
            return 2;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = true;
            stop.Cancel();
        });
        bool waited = false;
        (TimeSpan Time, long Methods) compiled = default;
        Task ReachAsync(string point)
        {
            Say($"AT {point}");
            compiled = point switch
            {
                "PauseApp before" => (JitInfo.GetCompilationTime(), JitInfo.GetCompiledMethodCount()),
                "ResumeApp after" => (JitInfo.GetCompilationTime() - compiled.Time, JitInfo.GetCompiledMethodCount() - compiled.Methods),
                _ => compiled,
            };
            if (point == waitAt && !waited)
            {
                waited = true;
                return Console.In.ReadLineAsync();
            }

            return Task.CompletedTask;
        }

        try
        {
            var setup = SessionSetup.Load(file);
            var found = WalRestore.Find(setup.DataDirectory, setup.Source.ToServer());
            var link = new WalLink
            {
                Source = setup.Source.ToServer(),
                Target = setup.Target.ToServer(),
                TargetAddress = setup.AppTarget?.ToServer() ?? found.TargetAddress,
                Archive = found.Archive,
                BackupName = found.BackupName,
                DataDirectory = found.DataDirectory,
                SystemIdentifier = found.SystemIdentifier,
            };
            var app = new PgBouncerApp(setup.Console.ToServer(), setup.Source.Database, setup.ConfigFile);
            var options = new CutoverOptions
            {
                MaxPause = TimeSpan.FromSeconds(setup.MaxPause),
                PauseTimeout = TimeSpan.FromSeconds(setup.PauseTimeout),
                FenceTimeout = TimeSpan.FromSeconds(setup.FenceTimeout),
                PromoteTimeout = TimeSpan.FromSeconds(setup.PromoteTimeout),
                AppTarget = link.TargetAddress,
                MinFreeDiskBytes = 16 << 20, // of the small file system whose end is one of the faults
            };
            var plan = Sabotage.Of(CutoverPlan.ForWal(), sabotage == "-" ? null : sabotage);
            using var journal = verb == "invoke" ? CutoverJournal.Create(path) : CutoverJournal.Open(path);
            await using var context = new CutoverContext(link, setup.Source.ToServer(), link.TargetAddress, app, options, journal, new Voice());
            var runner = new CutoverRunner(new CutoverPlan([.. plan.Steps.Select(step => new HookedStep(step, ReachAsync))]), context);
            var report = verb == "undo" ? await runner.UndoAsync() : await runner.RunAsync(stop.Token);
            foreach (var step in report.Steps)
            {
                Say(string.Create(CultureInfo.InvariantCulture, $"TOOK {step.Step} {step.Time.TotalSeconds:0.0000}"));
            }

            Say(string.Create(CultureInfo.InvariantCulture, $"COMPILED {compiled.Methods} methods in {compiled.Time.TotalMilliseconds:0} ms while the app was paused"));
            Say($"RESULT {report.Outcome}");
            return 0;
        }
        catch (MigrationException error)
        {
            Say($"ERROR {error.ErrorId} {error.Message.ReplaceLineEndings(" ")}");
            return 1;
        }
        catch (OperationCanceledException error)
        {
            Say($"ERROR Cancelled {error.Message.ReplaceLineEndings(" ")}");
            return 1;
        }
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    private sealed class Voice : IMigrationObserver
    {
        public void Progress(MigrationProgress progress)
        {
        }

        public void Warning(string message) => Say($"WARNING {message.ReplaceLineEndings(" ")}");

        public void Verbose(string message) => Say($"SAYS {message.ReplaceLineEndings(" ")}");
    }
}
