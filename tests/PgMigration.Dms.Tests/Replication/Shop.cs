namespace PgMigration.Dms.Tests;

/// <summary>A small shop on the source and its empty tables on the target, with a replication of the shared local DMS between them.</summary>
internal sealed class Shop(DmsBed bed, PgServer source, PgServer target) : IAsyncDisposable
{
    public static readonly string[] Tables =
    [
        "CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, settings jsonb)",
        "CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL REFERENCES customers, total numeric(12,2) NOT NULL, placed timestamptz NOT NULL DEFAULT now())",
        "CREATE INDEX orders_customer ON orders (customer)",
    ];

    private static readonly string[] Rows =
    [
        """INSERT INTO customers (name, settings) SELECT 'customer ' || i, jsonb_build_object('n', i) FROM generate_series(1, 300) i""",
        "INSERT INTO orders (customer, total) SELECT 1 + i % 300, i / 7.0 FROM generate_series(1, 2000) i",
    ];

    public PgServer Source => source;

    public PgServer Target => target;

    public DmsAccess Access => bed.Dms.Access;

    /// <summary>Null until it was started.</summary>
    public DmsLink? Link { get; private set; }

    public DmsReplicationOptions Options { get; set; } = new() { Name = source.Database, ReplicationInstance = "shared", Timeout = TimeSpan.FromSeconds(60) };

    public static async Task<Shop> OpenAsync(DmsBed bed, params string[] more)
    {
        using var task = await bed.NewTaskAsync([.. Tables, .. more, .. Rows]);
        // What copies the schema leaves NOT NULL on a LOB to the end: DMS brings such a column as NULL first.
        await TestPostgres.ExecuteAsync(task.Target, [.. Tables.Select(table => table.Replace("name text NOT NULL", "name text", StringComparison.Ordinal)), .. more]);
        return new Shop(bed, task.Source, task.Target);
    }

    public async Task<DmsLink> StartAsync() => Link = await DmsReplication.StartAsync(Access, Source, Target, Options, IMigrationObserver.None);

    /// <summary>Started, loaded, and near.</summary>
    public async Task<DmsLink> FollowAsync()
    {
        var link = await StartAsync();
        await LagWait.UntilAsync(link, LagLimit.OfTime(TimeSpan.FromSeconds(5)), TimeSpan.FromSeconds(60), IMigrationObserver.None);
        return link;
    }

    /// <summary>The app's own login on both servers, which owns nothing, and one of DMS's own on the source; the target gets what comes after the load.</summary>
    public async Task MakeReadyAsync()
    {
        foreach (var server in (PgServer[])[source, target])
        {
            await TestPostgres.ExecuteAsync(server, $"CREATE ROLE app_{source.Database} LOGIN", $"GRANT ALL ON ALL TABLES IN SCHEMA public TO app_{source.Database}", $"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app_{source.Database}");
        }

        await TestPostgres.ExecuteAsync(source, $"CREATE ROLE dms_{source.Database} SUPERUSER LOGIN");
        Options = Options with { SourceForDms = source.WithUser($"dms_{source.Database}") };
        await FollowAsync();
        await TestPostgres.ExecuteAsync(target, "ALTER TABLE customers ALTER name SET NOT NULL");
    }

    public PgServer AsApp(PgServer server) => server.WithUser($"app_{source.Database}");

    public PgMigration.Cutover Cutover(MigrationApp app, CutoverOptions? options = null, IMigrationObserver? observer = null) => new(Link!, Source, app, (options ?? new CutoverOptions()) with
    {
        AppTarget = AsApp(Target), MinFreeDiskBytes = 0,
    }, observer ?? IMigrationObserver.None);

    public static Task<long> CountAsync(PgServer server, string sql) => TestPostgres.QueryAsync<long>(server, $"SELECT count(*) FROM {sql}");

    public async ValueTask DisposeAsync()
    {
        if (Link is not null)
        {
            await DmsRemoval.RemoveAsync(Link, TimeSpan.FromSeconds(60), IMigrationObserver.None);
        }
    }
}
