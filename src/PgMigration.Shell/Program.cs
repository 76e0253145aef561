using PgMigration.Shell;

var options = ShellOptions.Parse(args);
if (options.Message is { } message)
{
    (options.ExitCode == 0 ? Console.Out : Console.Error).WriteLine(message);
    return options.ExitCode;
}

using var session = new ShellSession(options);
return session.Run();
