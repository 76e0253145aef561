using System.Diagnostics;

namespace PgMigration.Wal;

/// <summary>The two programs as they ship: native ones. From the folder that the build names in PGMIGRATION_BIN, or published once for the tests.</summary>
public sealed class PublishedPrograms : IAsyncLifetime
{
    private string? _ownFolder;

    public string Folder { get; private set; } = Environment.GetEnvironmentVariable("PGMIGRATION_BIN") ?? string.Empty;

    public string WalFetch => Path.Combine(Folder, "pgmigration-walfetch");

    public string WalPrefetch => Path.Combine(Folder, "pgmigration-walprefetch");

    public async Task InitializeAsync()
    {
        if (Folder.Length > 0)
        {
            return;
        }

        Folder = _ownFolder = Directory.CreateTempSubdirectory("pgm-programs-bin-").FullName;
        string sources = Path.Combine(RootOfCheckout(), "src");
        foreach (string project in (string[])["PgMigration.WalFetch", "PgMigration.WalPrefetch"])
        {
            var start = new ProcessStartInfo("dotnet", ["publish", Path.Combine(sources, project), "-c", "Release", "-o", Folder, "-v", "quiet", "-nologo"]) { RedirectStandardOutput = true };
            using var publish = Process.Start(start)!;
            string output = await publish.StandardOutput.ReadToEndAsync();
            await publish.WaitForExitAsync();
            Assert.True(publish.ExitCode == 0, output);
        }
    }

    public Task DisposeAsync()
    {
        if (_ownFolder is not null)
        {
            Directory.Delete(_ownFolder, recursive: true);
        }

        return Task.CompletedTask;
    }

    private static string RootOfCheckout()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "PgMigration.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not lie in a checkout.");
        }

        return folder;
    }
}

[CollectionDefinition("programs")]
public sealed class ProgramsCollection : ICollectionFixture<PublishedPrograms>;
