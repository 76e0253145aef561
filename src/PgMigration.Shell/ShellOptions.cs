using System.Reflection;

namespace PgMigration.Shell;

/// <summary>The command line, with pwsh's own switches.</summary>
internal sealed record ShellOptions
{
    private const string Usage = """
        Usage: pgmigration-shell [-NonInteractive] [-NoProfile] [-NoModule] [-File] <script.ps1> [arguments]
               pgmigration-shell [-NonInteractive] [-NoProfile] [-NoModule] -Command <text>
        Runs a script or a command line on PowerShell's engine, where no pwsh is installed, with the module PgMigration loaded unless -NoModule.
        Exit code: the script's 'exit' number; 1 when it ends with an error; 130 after Ctrl-C.
        """;

    /// <summary>The script to run, as typed; null for a command.</summary>
    public string? File { get; private init; }

    /// <summary>What follows the script on the command line.</summary>
    public IReadOnlyList<string> Arguments { get; private init; } = [];

    /// <summary>The command text to run; null for a script.</summary>
    public string? Command { get; private init; }

    /// <summary>Whether questions fail rather than wait for an answer.</summary>
    public bool NonInteractive { get; private init; }

    /// <summary>Whether the script imports the module itself, or does without.</summary>
    public bool NoModule { get; private init; }

    /// <summary>What to print instead of running anything; null when there is something to run.</summary>
    public string? Message { get; private init; }

    /// <summary>The exit code that goes with <see cref="Message"/>.</summary>
    public int ExitCode { get; private init; }

    /// <summary>Reads the command line; wrong usage becomes a message with exit code 64.</summary>
    public static ShellOptions Parse(string[] args)
    {
        var options = new ShellOptions();
        for (int i = 0; i < args.Length; i++)
        {
            string[] rest = args[(i + 1)..];
            switch (args[i].ToUpperInvariant())
            {
                case "-NONINTERACTIVE":
                    options = options with { NonInteractive = true };
                    break;
                case "-NOMODULE":
                    options = options with { NoModule = true };
                    break;
                case "-NOPROFILE" or "-NOP" or "-NOLOGO": // no profile is ever read; the switches let one command line fit pwsh too
                    break;
                case "-HELP" or "-?" or "-H" or "--HELP":
                    return new ShellOptions { Message = Usage };
                case "-VERSION" or "-V" or "--VERSION":
                    return new ShellOptions { Message = typeof(ShellOptions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion };
                case "-COMMAND" or "-C":
                    return rest.Length == 0 ? Wrong("-Command needs a command text.") : options with { Command = string.Join(' ', rest) };
                case "-FILE" or "-F":
                    return rest.Length == 0 ? Wrong("-File needs a script.") : Script(rest[0], rest[1..]);
                case var unknown when unknown.StartsWith('-'):
                    return Wrong($"'{args[i]}' is not an option.");
                default:
                    return Script(args[i], rest);
            }
        }

        return Wrong("There is nothing to run.");

        ShellOptions Script(string file, string[] arguments) => options with { File = file, Arguments = arguments };
    }

    private static ShellOptions Wrong(string complaint) => new() { Message = $"{complaint}\n{Usage}", ExitCode = 64 };
}
