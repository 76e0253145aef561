using System.Globalization;
using PgMigration.Faults;

// session …            one session of a cutover, as the harness starts it
// run [--runs n] [--seed n] [--only kind] [--verbose] [--sabotage what]
switch (args)
{
    case ["session", .. var rest]:
        return await CutoverSession.RunAsync(rest);
    case ["run", .. var rest]:
        return await FaultRuns.RunAsync(rest);
    default:
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Expected 'run', got '{string.Join(' ', args)}'."));
        return 2;
}
