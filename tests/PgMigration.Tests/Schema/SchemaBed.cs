namespace PgMigration.Tests;

/// <summary>Two servers: one with what an app has, and one whose login is no superuser, as on a managed service, and that knows few of its roles.</summary>
public sealed class SchemaBed : IAsyncLifetime
{
    private readonly TestPostgres _old = new();
    private readonly TestPostgres _new = new();

    /// <summary>The old server.</summary>
    public TestPostgres Old => _old;

    /// <summary>The new server.</summary>
    public TestPostgres New => _new;

    public async Task InitializeAsync()
    {
        await Task.WhenAll(_old.InitializeAsync(), _new.InitializeAsync());
        await TestPostgres.ExecuteAsync(_old.Server, "CREATE ROLE app", "CREATE ROLE reader", "CREATE ROLE stranger", "CREATE ROLE \"Odd \"\" TO role\"");
        await TestPostgres.ExecuteAsync(_new.Server, "CREATE ROLE app", "CREATE ROLE reader");
    }

    public async Task DisposeAsync()
    {
        await _old.DisposeAsync();
        await _new.DisposeAsync();
    }

    /// <summary>A database of the old server in which the statements have run, as its superuser.</summary>
    public async Task<PgServer> SourceAsync(params string[] statements)
    {
        var source = await _old.CreateDatabaseAsync("shop", asSuperuser: true);
        await TestPostgres.ExecuteAsync(source, statements);
        return source;
    }

    /// <summary>An empty database of the new server as its owner, who is no superuser and a member of app.</summary>
    public async Task<PgServer> TargetAsync()
    {
        var target = await _new.CreateDatabaseAsync("aurora");
        await TestPostgres.ExecuteAsync(_new.Server, $"GRANT app TO \"{target.User}\"", $"GRANT CREATE ON DATABASE \"{target.Database}\" TO app");
        return target;
    }

    /// <summary>Copies a section and returns its rows by type and name.</summary>
    public static async Task<IReadOnlyList<SchemaRow>> CopyAsync(PgServer source, PgServer target, SchemaSection section, bool concurrently = false) =>
        await SchemaCopy.ApplyAsync(await SchemaCopy.PlanAsync(source, target, new SchemaCopyOptions { Section = section, Concurrently = concurrently, LockTimeout = TimeSpan.FromSeconds(20) }));
}
