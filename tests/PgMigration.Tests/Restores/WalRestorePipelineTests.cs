using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace PgMigration.Tests;

/// <summary>The cmdlets as people pipe them, in a shell of their own, against a real source. Needs the module to have been built.</summary>
[SupportedOSPlatform("linux")]
[Collection(ArchivingCollection.Name)]
public sealed class WalRestorePipelineTests(ArchivingServer source) : IDisposable
{
    private readonly RestoreTarget _target = new(source);

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task A_restore_is_piped_to_a_wait_and_found_and_stopped_in_other_sessions()
    {
        await source.FillAsync(100);
        await source.BackUpAsync();
        await source.ArchiveNowAsync();
        _target.MakeReachable();

        string bytes = await RunAsync($"Start-WalRestore '{source.ArchiveFolder}' -DataDirectory '{_target.DataDirectory}' -Port {_target.PortText} | Wait-ReplicationLag -Source $env:DATABASE_URL -Below 32MB -Timeout 60 | Get-ReplicationLag | ForEach-Object Bytes");
        Assert.InRange(long.Parse(bytes, CultureInfo.InvariantCulture), 0, 32 << 20);

        string found = await RunAsync($"$link = Get-WalRestore '{_target.DataDirectory}' -Source $env:DATABASE_URL; \"$($link.Target.User) $(($link | Get-ReplicationLag).State)\"");
        Assert.Contains(found, (string[])["postgres Following", "postgres CatchingUp"]);

        await RunAsync($"Get-WalRestore '{_target.DataDirectory}' | Stop-WalRestore -RemoveData -Confirm:$false");
        Assert.False(Directory.Exists(_target.DataDirectory));
    }

    private async Task<string> RunAsync(string command)
    {
        var shell = new ProcessStartInfo("dotnet", [NativePrograms.InCheckout("src/PgMigration.Shell/bin", "pgmigration-shell.dll"), "-NonInteractive", "-Command", "$ErrorActionPreference = 'Stop'; " + command])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        shell.Environment["DATABASE_URL"] = string.Create(CultureInfo.InvariantCulture, $"postgres://{source.App.User}:its%20secret@127.0.0.1:{source.App.Port}/{source.App.Database}");
        shell.Environment["PGMIGRATION_BIN"] = await NativePrograms.FolderAsync();
        using var process = Process.Start(shell)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output + await errors);
        return output.Trim();
    }
}
