using System.Text.Json.Nodes;
using PgMigration.DmsModel;

namespace PgMigration.Dms.Tests;

/// <summary>A task of a test: what it takes to make it, and to wait for what it does.</summary>
/// <param name="name">What its databases and resources are called.</param>
/// <param name="source">The source's database.</param>
/// <param name="target">The target's.</param>
/// <param name="dms">The local DMS.</param>
/// <param name="instanceArn">The instance; null to make one.</param>
public sealed class TestTask(string name, PgServer source, PgServer target, LocalDmsServer dms, string? instanceArn) : IDisposable
{
    public const string Everything = """{"rules":[{"rule-type":"selection","rule-id":"1","rule-name":"1","object-locator":{"schema-name":"%","table-name":"%"},"rule-action":"include"}]}""";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private LocalDmsServer _dms = dms;

    public DmsClient Client { get; private set; } = new(dms.Access);

    public PgServer Source => source;

    public PgServer Target => target;

    public string Arn { get; private set; } = string.Empty;

    /// <summary>The task's settings beyond what every test wants: quick retries.</summary>
    public JsonObject Settings { get; } = new()
    {
        ["FullLoadSettings"] = new JsonObject { ["TargetTablePrepMode"] = "DROP_AND_CREATE", ["MaxFullLoadSubTasks"] = 2 },
        ["ErrorBehavior"] = new JsonObject { ["RecoverableErrorInterval"] = 0 },
    };

    public string Mappings { get; set; } = Everything;

    public string MigrationType { get; set; } = "full-load-and-cdc";

    public PostgreSQLSettings SourceSettings { get; set; } = new() { CaptureDdls = false };

    public PostgreSQLSettings TargetSettings { get; set; } = new() { AfterConnectScript = "SET session_replication_role = replica" };

    public string? StartPosition { get; set; }

    public string? StopPosition { get; set; }

    /// <summary>Sets one of the task's settings.</summary>
    public TestTask With(string section, string setting, JsonNode value)
    {
        var part = Settings[section] as JsonObject;
        if (part is null)
        {
            Settings[section] = part = new JsonObject();
        }

        part[setting] = value;
        return this;
    }

    /// <summary>Makes instance, endpoints and task.</summary>
    public async Task CreateAsync()
    {
        instanceArn ??= (await Client.CreateReplicationInstanceAsync(new() { ReplicationInstanceIdentifier = name, ReplicationInstanceClass = "dms.t3.medium" })).ReplicationInstance!.ReplicationInstanceArn!;
        string from = await CreateEndpointAsync("source", source, SourceSettings);
        string to = await CreateEndpointAsync("target", target, TargetSettings);
        foreach (string endpoint in (string[])[from, to])
        {
            await Client.TestConnectionAsync(new() { ReplicationInstanceArn = instanceArn, EndpointArn = endpoint });
            var tested = await UntilAsync(async () => (await Client.ListConnectionsAsync([new() { Name = "endpoint-arn", Values = [endpoint] }]))[0], connection => connection.Status != "testing");
            Assert.Equal("successful", tested.Status);
        }

        Arn = (await Client.CreateReplicationTaskAsync(new()
        {
            ReplicationTaskIdentifier = name,
            SourceEndpointArn = from,
            TargetEndpointArn = to,
            ReplicationInstanceArn = instanceArn,
            MigrationType = MigrationType,
            TableMappings = Mappings,
            ReplicationTaskSettings = Settings.ToJsonString(),
            CdcStartPosition = StartPosition,
            CdcStopPosition = StopPosition,
        })).ReplicationTask!.ReplicationTaskArn!;
        await StatusAsync("ready");
    }

    /// <summary>Makes it, starts it, and waits until all tables are loaded or in error.</summary>
    public async Task RunAsync()
    {
        await CreateAsync();
        await StartAsync();
        await LoadedAsync();
    }

    public Task StartAsync(string type = "start-replication") => Client.StartReplicationTaskAsync(new() { ReplicationTaskArn = Arn, StartReplicationTaskType = type });

    public async Task StopAsync()
    {
        await Client.StopReplicationTaskAsync(new() { ReplicationTaskArn = Arn });
        await StatusAsync("stopped");
    }

    /// <summary>Kills the local DMS as no program can prevent, and starts it again in its folder.</summary>
    public async Task KillAsync()
    {
        Kill();
        await ReviveAsync();
    }

    public void Kill()
    {
        using var process = System.Diagnostics.Process.GetProcessById(_dms.ProcessId);
        process.Kill();
    }

    public async Task ReviveAsync()
    {
        await UntilAsync(() => Task.FromResult(LocalDmsServer.Find(_dms.Folder)), running => running is null);
        _dms = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _dms.Folder });
        Client.Dispose();
        Client = new DmsClient(_dms.Access);
    }

    public async Task<ReplicationTask> DescribeAsync() => Assert.Single(await Client.ListReplicationTasksAsync([new() { Name = "replication-task-arn", Values = [Arn] }]));

    public Task<ReplicationTask> StatusAsync(string status) => UntilAsync(DescribeAsync, task => task.Status == status);

    public async Task<TableStatistics> TableAsync(string table) => Assert.Single(await Client.ListTableStatisticsAsync(Arn), row => row.TableName == table);

    public Task<TableStatistics[]> LoadedAsync() =>
        UntilAsync(() => Client.ListTableStatisticsAsync(Arn), tables => tables.Length > 0 && tables.All(table => table.TableState is "Table completed" or "Table error"));

    /// <summary>Waits until a query of the target says so.</summary>
    public Task<T> TargetAsync<T>(string query, T expected) => UntilAsync(() => TestPostgres.QueryAsync<T>(target, query), value => Equals(value, expected));

    /// <summary>Waits until a row written now has arrived: all that was committed before it has been applied by then.</summary>
    public async Task CaughtUpAsync(string table)
    {
        await TestPostgres.ExecuteAsync(source, $"INSERT INTO {table} VALUES (-424242)");
        await TargetAsync($"SELECT count(*) FROM {table} WHERE ctid IS NOT NULL AND ({table}.*)::text LIKE '(-424242%'", 1L);
        await TestPostgres.ExecuteAsync(source, $"DELETE FROM {table} WHERE ({table}.*)::text LIKE '(-424242%'");
    }

    /// <summary>Looks until it is so.</summary>
    public static async Task<T> UntilAsync<T>(Func<Task<T>> look, Func<T, bool> isSo)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            var seen = await look();
            if (isSo(seen))
            {
                return seen;
            }

            Assert.True(waited.Elapsed < Limit, $"After {Limit}: {System.Text.Json.JsonSerializer.Serialize(seen)}");
            await Task.Delay(50);
        }
    }

    public void Dispose() => Client.Dispose();

    private async Task<string> CreateEndpointAsync(string type, PgServer server, PostgreSQLSettings settings) => (await Client.CreateEndpointAsync(new()
    {
        EndpointIdentifier = $"{name}-{type}",
        EndpointType = type,
        EngineName = "postgres",
        ServerName = server.Host,
        Port = server.Port,
        DatabaseName = server.Database,
        Username = server.User,
        Password = "not asked for",
        PostgreSQLSettings = settings,
    })).Endpoint!.EndpointArn!;
}
