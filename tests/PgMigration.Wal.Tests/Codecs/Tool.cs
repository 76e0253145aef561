using System.Diagnostics;

namespace PgMigration.Wal;

/// <summary>The tools that people compress with, run as filters.</summary>
internal static class Tool
{
    /// <summary>Runs a tool on some bytes. Returns what it wrote.</summary>
    public static async Task<byte[]> RunAsync(string tool, byte[] input, params (string Name, string Value)[] variables)
    {
        string[] words = tool.Split(' ');
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = Some.AllAsync(process.StandardOutput.BaseStream);
        await process.StandardInput.BaseStream.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return await output;
    }
}
