namespace PgMigration.Wal;

/// <summary>The two programs as they ship: native ones.</summary>
public sealed class PublishedPrograms : IAsyncLifetime
{
    private string _folder = string.Empty;

    public string WalFetch => Path.Combine(_folder, "pgmigration-walfetch");

    public string WalPrefetch => Path.Combine(_folder, "pgmigration-walprefetch");

    public async Task InitializeAsync() => _folder = await NativePrograms.FolderAsync();

    public Task DisposeAsync() => Task.CompletedTask;
}

[CollectionDefinition("programs")]
public sealed class ProgramsCollection : ICollectionFixture<PublishedPrograms>;
