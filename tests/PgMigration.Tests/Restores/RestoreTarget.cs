using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>A folder for one restore, stopped and removed at the end.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RestoreTarget(ArchivingServer source) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-r").FullName;

    public string DataDirectory => Path.Combine(_folder, "data");

    public RestoreLayout Layout => new(DataDirectory);

    public WalRestoreOptions Options => new()
    {
        Archive = source.Archive, DataDirectory = DataDirectory, Source = source.App, Port = Port,
    };

    public int Port { get; } = TestPostgres.FreePort();

    public async Task<WalLink> StartAsync(WalRestoreOptions? options = null, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var chosen = (options ?? Options) with { ProgramFolder = await NativePrograms.FolderAsync() };
        return await WalRestore.StartAsync(chosen, observer ?? IMigrationObserver.None, cancel);
    }

    public void Dispose()
    {
        if (File.Exists(Layout.RecordFile))
        {
            WalRestore.StopAsync(DataDirectory, removeData: false, evenIfPromoted: true).GetAwaiter().GetResult();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
