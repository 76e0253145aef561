using System.Diagnostics;

namespace PgMigration.Tests;

/// <summary>A restore in a process of its own, to be killed.</summary>
internal sealed class RunnerProcess : IDisposable
{
    private readonly Process _process;

    public RunnerProcess(params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "PgMigration.RestoreRunner.dll");
        _process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardError = true })!;
    }

    public bool HasExited => _process.HasExited;

    /// <summary>SIGKILL: no clean-up, no last word.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async Task SucceedAsync()
    {
        string said = await _process.StandardError.ReadToEndAsync();
        await _process.WaitForExitAsync();
        Assert.True(_process.ExitCode == 0, said);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
