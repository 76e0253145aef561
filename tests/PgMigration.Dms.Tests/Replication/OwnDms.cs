using System.Diagnostics;

namespace PgMigration.Dms.Tests;

/// <summary>A local DMS of one test's own, which it may kill.</summary>
internal sealed class OwnDms : IAsyncDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-dms-{Guid.NewGuid().ToString("N")[..8]}");

    public LocalDmsServer Server { get; private set; } = null!;

    public static async Task<OwnDms> StartAsync(params string[] faults)
    {
        var own = new OwnDms();
        own.Server = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = own._folder, Faults = faults });
        return own;
    }

    /// <summary>Kills it as no program can prevent.</summary>
    public async Task KillAsync()
    {
        using var process = Process.GetProcessById(Server.ProcessId);
        process.Kill();
        while (LocalDmsServer.Find(_folder) is not null)
        {
            await Task.Delay(20);
        }
    }

    public async Task<DmsAccess> StartAgainAsync()
    {
        Server = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder });
        return Server.Access;
    }

    public async ValueTask DisposeAsync()
    {
        await LocalDmsServer.StopAsync(_folder);
        Directory.Delete(_folder, recursive: true);
    }
}
