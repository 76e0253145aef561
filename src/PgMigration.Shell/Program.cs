using PgMigration.Shell;

var options = ShellOptions.Parse(args);
if (options.Message is { } message)
{
    (options.ExitCode == 0 ? Console.Out : Console.Error).WriteLine(message);
    return options.ExitCode;
}

int code;
using (var session = new ShellSession(options))
{
    code = session.Run();
}

// The engine's pipeline threads are foreground threads: a script block that was abandoned in a call which cannot be interrupted would
// keep the process for as long as that call lasts.
Environment.Exit(code);
return code;
