using PgMigration.DmsModel;

namespace PgMigration.Dms.Tests;

/// <summary>Two servers and a local DMS between them, shared by tests; each test has databases and tasks of its own.</summary>
public sealed class DmsBed : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-dms-{Guid.NewGuid().ToString("N")[..8]}");
    private int _numbers;

    /// <summary>The server that tables come from.</summary>
    public TestPostgres Source { get; private set; } = null!;

    /// <summary>The server that they go to.</summary>
    public TestPostgres Target { get; private set; } = null!;

    /// <summary>The local DMS.</summary>
    public LocalDmsServer Dms { get; private set; } = null!;

    /// <summary>The shared instance's address.</summary>
    public string InstanceArn { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var servers = await Task.WhenAll(TestPostgres.StartAsync(["max_replication_slots = 40", "max_wal_senders = 40"]), TestPostgres.StartAsync([]));
        (Source, Target) = (servers[0], servers[1]);
        Dms = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder });
        using var client = new DmsClient(Dms.Access);
        InstanceArn = (await client.CreateReplicationInstanceAsync(new() { ReplicationInstanceIdentifier = "shared", ReplicationInstanceClass = "dms.t3.medium" })).ReplicationInstance!.ReplicationInstanceArn!;
    }

    public async Task DisposeAsync()
    {
        await LocalDmsServer.StopAsync(_folder);
        await Source.DisposeAsync();
        await Target.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A task between two fresh databases of the same name, on the shared local DMS.</summary>
    public Task<TestTask> NewTaskAsync(params string[] tables) => NewTaskAsync(Dms, InstanceArn, tables);

    /// <summary>The same on a local DMS of one's own, which a test may kill.</summary>
    public async Task<TestTask> NewTaskAsync(LocalDmsServer dms, string? instanceArn, params string[] tables)
    {
        string name = $"dms{Interlocked.Increment(ref _numbers).ToString(System.Globalization.CultureInfo.InvariantCulture)}";
        foreach (var server in (TestPostgres[])[Source, Target])
        {
            await TestPostgres.ExecuteAsync(server.Server, $"CREATE DATABASE {name}");
        }

        var task = new TestTask(name, Source.Server.WithDatabase(name), Target.Server.WithDatabase(name), dms, instanceArn);
        await TestPostgres.ExecuteAsync(task.Source, tables);
        return task;
    }
}
