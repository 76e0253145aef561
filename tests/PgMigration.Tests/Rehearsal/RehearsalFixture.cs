using PgMigration;

namespace PgMigration.Tests;

/// <summary>A locked-down host with the app's tables and a pooler in front of it, and the host's twin: a promoted copy that plays the new server.</summary>
public sealed class RehearsalFixture : IAsyncLifetime
{
    private WorkFolder? _folder;

    public LockedDownHost Host { get; private set; } = null!;

    public LocalPgBouncer Pooler { get; private set; } = null!;

    public string ArchiveFolder { get; private set; } = null!;

    public WorkFolder Folder => _folder!;

    public async Task InitializeAsync()
    {
        _folder = await WorkFolder.CreateAsync(path: null, OSUser.Default);
        try
        {
            await StartAsync(_folder);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        if (Pooler is not null)
        {
            await Pooler.DisposeAsync();
        }

        if (Host is not null)
        {
            await Host.DisposeAsync();
        }

        _folder?.Remove();
    }

    private async Task StartAsync(WorkFolder folder)
    {
        ArchiveFolder = await folder.MakeAsync("archive/wal_005");

        // as it is, without a codec: what the host is to prove here is that it archives at all
        string command = $"test ! -f {ArchiveFolder}/%f && cp %p {ArchiveFolder}/%f.part && mv {ArchiveFolder}/%f.part {ArchiveFolder}/%f";
        Host = await LockedDownHost.CreateAsync(folder, new LockedDownHostOptions { Binaries = PostgresBinaries.Find(), ArchiveCommand = command, ArchiveTimeout = TimeSpan.FromSeconds(1) });
        await RehearsalData.FillAsync(Host.App, 2_000_000, IMigrationObserver.None);
        Pooler = await LocalPgBouncer.StartAsync(folder, Host);
    }
}

[CollectionDefinition(Name)]
public sealed class RehearsalCollection : ICollectionFixture<RehearsalFixture>
{
    public const string Name = "Rehearsal";
}
