using System.Diagnostics;

namespace PgMigration.Cmdlets.Tests;

/// <summary>The shell as a process of its own, with its output redirected.</summary>
internal sealed class ShellRun : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private ShellRun(string program, IEnumerable<string> arguments)
    {
        // a suite that was started in the background ignores SIGINT, and all below it inherit that
        _process = Process.Start(new ProcessStartInfo("env", ["--default-signal=INT,QUIT", program, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Standard input of the process.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>Starts the shell.</summary>
    public static ShellRun Start(params string[] arguments) => new(Checkout.Shell, arguments);

    /// <summary>Starts a copy of the shell that lies elsewhere.</summary>
    public static ShellRun StartCopy(string program, params string[] arguments) => new(program, arguments);

    /// <summary>Runs the shell to its end, with nothing to read from standard input.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> ToEndAsync(params string[] arguments)
    {
        using var run = Start(arguments);
        run.Input.Close();
        return await run.EndAsync();
    }

    /// <summary>The next line of its output.</summary>
    public async Task<string?> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>Sends it a signal, such as <c>INT</c>.</summary>
    public async Task SignalAsync(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Waits for its end.</summary>
    public async Task<(int ExitCode, string Output, string Errors)> EndAsync()
    {
        string output = await _process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(3));
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return (_process.ExitCode, output.ReplaceLineEndings("\n"), (await _errors).ReplaceLineEndings("\n"));
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }
}
