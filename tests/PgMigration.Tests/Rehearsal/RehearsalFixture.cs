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
        ArchiveFolder = await _folder.MakeAsync("archive/wal_005");

        // as it is, without a codec: what the host is to prove here is that it archives at all
        string command = $"test ! -f {ArchiveFolder}/%f && cp %p {ArchiveFolder}/%f.part && mv {ArchiveFolder}/%f.part {ArchiveFolder}/%f";
        Host = await LockedDownHost.CreateAsync(_folder, new LockedDownHostOptions { Binaries = PostgresBinaries.Find(), ArchiveCommand = command, ArchiveTimeout = TimeSpan.FromSeconds(1) });
        await RehearsalData.FillAsync(Host.App, 2_000_000, IMigrationObserver.None);
        Pooler = await LocalPgBouncer.StartAsync(_folder, Host);
    }

    public async Task DisposeAsync()
    {
        await Pooler.DisposeAsync();
        await Host.DisposeAsync();
        _folder?.Remove();
    }
}

[CollectionDefinition(Name)]
public sealed class RehearsalCollection : ICollectionFixture<RehearsalFixture>
{
    public const string Name = "Rehearsal";
}
