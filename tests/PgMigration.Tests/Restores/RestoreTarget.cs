using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
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

    public string PortText => Port.ToString(CultureInfo.InvariantCulture);

    /// <summary>Lets the server's OS user through to the data directory.</summary>
    public void MakeReachable() =>
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);

    public async Task<WalLink> StartAsync(WalRestoreOptions? options = null, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        MakeReachable();
        var chosen = (options ?? Options) with { ProgramFolder = await NativePrograms.FolderAsync() };
        return await WalRestore.StartAsync(chosen, observer ?? IMigrationObserver.None, cancel);
    }

    /// <summary>Waits until the target has the source's rows.</summary>
    public async Task UntilSameAsync(WalLink link)
    {
        string expected = await ArchivingServer.ChecksumAsync(source.App);
        await ArchivingServer.UntilAsync("the target has the source's rows", async () => await ArchivingServer.ChecksumAsync(link.Target) == expected);
    }

    /// <summary>How many parts an unfinished load has on disk.</summary>
    public int PartsDone() => File.Exists(Layout.PartsFile) ? File.ReadAllLines(Layout.PartsFile).Length : 0;

    /// <summary>Every file of the data directory but the journal of the parts, whose order is chance.</summary>
    public SortedDictionary<string, string> Hashes() => new(
        Directory.EnumerateFiles(DataDirectory, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith("parts.done", StringComparison.Ordinal))
            .ToDictionary(file => Path.GetRelativePath(DataDirectory, file), file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))), StringComparer.Ordinal);

    public void Dispose()
    {
        if (File.Exists(Layout.RecordFile))
        {
            WalRestore.StopAsync(DataDirectory, removeData: false, evenIfPromoted: true).GetAwaiter().GetResult();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
