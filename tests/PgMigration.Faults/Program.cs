using System.Globalization;
using PgMigration.Faults;

// session …            one session of a cutover, as the harness starts it
// run [--runs n] [--seed n] [--only kind] [--verbose] [--sabotage what]
// bench [--runs n] [--rates n,n]
switch (args)
{
    case ["session", .. var rest]:
        return await CutoverSession.RunAsync(rest);
    case ["run", .. var rest]:
        return await FaultRuns.RunAsync(rest);
    case ["bench", .. var rest]:
        return await CutoverBench.RunAsync(rest);
    default:
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Expected 'run' or 'bench', got '{string.Join(' ', args)}'."));
        return 2;
}
