using System.Management.Automation;
using System.Management.Automation.Host;

namespace PgMigration.Shell;

/// <summary>Writes the streams to the console: records to standard output, errors to standard error, colours to terminals only.</summary>
internal sealed partial class ShellUI(bool nonInteractive) : PSHostUserInterface
{
    private readonly ConsoleStream _errors = new(Console.Error, Console.IsErrorRedirected);
    private readonly ProgressLine _progress = new(isVisible: !Console.IsOutputRedirected && !Console.IsErrorRedirected);
    private ConsoleStream _output = new(Console.Out, Console.IsOutputRedirected);

    public override PSHostRawUserInterface RawUI { get; } = new ShellRawUI();

    public override bool SupportsVirtualTerminal => _output.ShowsColours;

    public override void Write(string value) => Write(_output, value, null);

    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => Write(_output, value, foregroundColor);

    public override void WriteLine(string value) => Write(_output, value + Environment.NewLine, null);

    public override void WriteErrorLine(string value) => Write(_errors, value + Environment.NewLine, ConsoleColor.Red);

    public override void WriteWarningLine(string message) => Write(_output, $"WARNING: {message}{Environment.NewLine}", ConsoleColor.Yellow);

    public override void WriteVerboseLine(string message) => Write(_output, $"VERBOSE: {message}{Environment.NewLine}", ConsoleColor.Yellow);

    public override void WriteDebugLine(string message) => Write(_output, $"DEBUG: {message}{Environment.NewLine}", ConsoleColor.Yellow);

    public override void WriteProgress(long sourceId, ProgressRecord record) => _progress.Show(sourceId, record);

    /// <summary>Takes the progress line off the screen.</summary>
    public void EndProgress() => _progress.End();

    /// <summary>Sends all output to standard error until the returned object is disposed.</summary>
    public IDisposable WriteToErrors()
    {
        var output = _output;
        _output = _errors;
        return new Restored(() => _output = output);
    }

    private void Write(ConsoleStream stream, string text, ConsoleColor? colour)
    {
        _progress.Hide();
        stream.Write(text, colour);
    }

    private sealed class Restored(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }
}
