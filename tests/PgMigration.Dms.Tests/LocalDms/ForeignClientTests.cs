using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace PgMigration.Dms.Tests;

/// <summary>Clients that nobody here wrote drive a task's whole life: what they sign, send and read is DMS's protocol.</summary>
/// <remarks>They wait for other processes most of the time: so beside the other tests, on servers of their own.</remarks>
public sealed class ForeignClientTests(DmsBed bed) : IClassFixture<DmsBed>
{
    [Fact]
    public async Task The_JavaScript_client_of_AWS_drives_a_task_from_its_making_to_its_removal()
    {
        using var databases = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item SELECT generate_series(1, 10)");
        string node = await NodePackages.InstallAsync();
        var start = new ProcessStartInfo("node", [Path.Combine(node, "dms.js"), bed.Dms.Endpoint.ToString(), bed.Dms.Region, databases.Source.Database]) { RedirectStandardInput = true };
        start.Environment["SOURCE_PORT"] = databases.Source.Port.ToString(CultureInfo.InvariantCulture);
        start.Environment["TARGET_PORT"] = databases.Target.Port.ToString(CultureInfo.InvariantCulture);
        using var client = Start(start);

        Assert.Equal("LOADED", await client.StandardOutput.ReadLineAsync());
        await TestPostgres.ExecuteAsync(databases.Source, "INSERT INTO item VALUES (11)");
        await databases.TargetAsync("SELECT count(*) FROM item", 11L);
        await client.StandardInput.WriteLineAsync();

        string said = await EndAsync(client);
        Assert.Equal("""{"rows":10,"inserts":1,"reason":"Stop Reason NORMAL","started":true,"faults":["InvalidResourceStateFault","InvalidResourceStateFault"]}""", said);
    }

    [Fact]
    public async Task The_command_line_of_AWS_drives_a_task_from_its_making_to_its_removal()
    {
        using var databases = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item SELECT generate_series(1, 10)");
        await TestPostgres.ExecuteAsync(databases.Target, "CREATE TABLE item (id int PRIMARY KEY)");
        string name = databases.Source.Database;
        string[] endpoints = [await EndpointAsync(name, "source", databases.Source), await EndpointAsync(name, "target", databases.Target)];
        foreach (string endpoint in endpoints)
        {
            await AwsAsync("test-connection", "--replication-instance-arn", bed.InstanceArn, "--endpoint-arn", endpoint);
        }

        await AwsAsync("wait", "test-connection-succeeds", "--filters", $"Name=endpoint-arn,Values={string.Join(',', endpoints)}");
        var made = await AwsAsync("create-replication-task", "--replication-task-identifier", name, "--source-endpoint-arn", endpoints[0], "--target-endpoint-arn", endpoints[1],
            "--replication-instance-arn", bed.InstanceArn, "--migration-type", "full-load-and-cdc", "--table-mappings", TestTask.Everything,
            "--replication-task-settings", """{"FullLoadSettings":{"TargetTablePrepMode":"DO_NOTHING"}}""");
        string task = made!["ReplicationTask"]!["ReplicationTaskArn"]!.GetValue<string>();
        string filter = $"Name=replication-task-arn,Values={task}";
        async Task<string> StatusAsync() => (await AwsAsync("describe-replication-tasks", "--filters", filter))!["ReplicationTasks"]![0]!["Status"]!.GetValue<string>();
        await TestTask.UntilAsync(StatusAsync, status => status == "ready");

        await AwsAsync("start-replication-task", "--replication-task-arn", task, "--start-replication-task-type", "start-replication");
        await databases.TargetAsync("SELECT count(*) FROM item", 10L);
        await TestPostgres.ExecuteAsync(databases.Source, "INSERT INTO item VALUES (11)");
        await databases.TargetAsync("SELECT count(*) FROM item", 11L);
        var table = (await AwsAsync("describe-table-statistics", "--replication-task-arn", task))!["TableStatistics"]![0]!;
        Assert.Equal(("Table completed", 10, 1), (table["TableState"]!.GetValue<string>(), table["FullLoadRows"]!.GetValue<int>(), table["AppliedInserts"]!.GetValue<int>()));

        await AwsAsync("stop-replication-task", "--replication-task-arn", task);
        await TestTask.UntilAsync(StatusAsync, status => status == "stopped");
        await AwsAsync("delete-replication-task", "--replication-task-arn", task);
        await TestTask.UntilAsync(() => databases.Client.ListReplicationTasksAsync(), tasks => tasks.All(other => other.ReplicationTaskArn != task)); // its own waiter looks every 15 s
        foreach (string endpoint in endpoints)
        {
            await AwsAsync("delete-endpoint", "--endpoint-arn", endpoint);
        }
    }

    [Fact]
    public async Task The_command_line_of_AWS_drives_a_serverless_replication()
    {
        using var databases = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item SELECT generate_series(1, 10)");
        await TestPostgres.ExecuteAsync(databases.Target, "CREATE TABLE item (id int PRIMARY KEY)");
        string name = databases.Source.Database;
        string source = await EndpointAsync(name, "source", databases.Source);
        string target = await EndpointAsync(name, "target", databases.Target);
        var made = await AwsAsync("create-replication-config", "--replication-config-identifier", name, "--source-endpoint-arn", source, "--target-endpoint-arn", target, "--compute-config", "MaxCapacityUnits=4",
            "--replication-type", "full-load-and-cdc", "--table-mappings", TestTask.Everything, "--replication-settings", """{"FullLoadSettings":{"TargetTablePrepMode":"DO_NOTHING"}}""");
        string config = made!["ReplicationConfig"]!["ReplicationConfigArn"]!.GetValue<string>();
        async Task<string> StatusAsync() => (await AwsAsync("describe-replications", "--filters", $"Name=replication-config-arn,Values={config}"))!["Replications"]![0]!["Status"]!.GetValue<string>();
        await TestTask.UntilAsync(StatusAsync, status => status == "created");

        await AwsAsync("start-replication", "--replication-config-arn", config, "--start-replication-type", "start-replication");
        await databases.TargetAsync("SELECT count(*) FROM item", 10L);
        await TestPostgres.ExecuteAsync(databases.Source, "INSERT INTO item VALUES (11)");
        await databases.TargetAsync("SELECT count(*) FROM item", 11L);
        Assert.Equal("running", await StatusAsync());
        Assert.DoesNotContain(await databases.Client.ListReplicationTasksAsync(), task => task.ReplicationTaskIdentifier == name);

        await AwsAsync("stop-replication", "--replication-config-arn", config);
        await TestTask.UntilAsync(StatusAsync, status => status == "stopped");
        await AwsAsync("delete-replication-config", "--replication-config-arn", config);
        await TestTask.UntilAsync(() => TestPostgres.QueryAsync<long>(databases.Source, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"), slots => slots == 0);
    }

    private async Task<string> EndpointAsync(string name, string type, PgServer server)
    {
        var made = await AwsAsync("create-endpoint", "--endpoint-identifier", $"{name}-{type}", "--endpoint-type", type, "--engine-name", "postgres", "--server-name", server.Host,
            "--port", server.Port.ToString(CultureInfo.InvariantCulture), "--database-name", server.Database, "--username", server.User, "--password", "not-asked-for",
            "--postgre-sql-settings", """{"CaptureDdls":false,"HeartbeatEnable":true,"AfterConnectScript":"SET session_replication_role='replica'"}""");
        return made!["Endpoint"]!["EndpointArn"]!.GetValue<string>();
    }

    private async Task<JsonNode?> AwsAsync(params string[] arguments)
    {
        using var aws = Start(new ProcessStartInfo("aws", ["dms", .. arguments, "--endpoint-url", bed.Dms.Endpoint.ToString(), "--region", bed.Dms.Region, "--output", "json"]));
        string said = await EndAsync(aws);
        return said.Length == 0 ? null : JsonNode.Parse(said);
    }

    private Process Start(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment["AWS_ACCESS_KEY_ID"] = bed.Dms.AccessKeyId;
        start.Environment["AWS_SECRET_ACCESS_KEY"] = new NetworkCredential(string.Empty, bed.Dms.SecretAccessKey).Password;
        start.Environment["AWS_CONFIG_FILE"] = start.Environment["AWS_SHARED_CREDENTIALS_FILE"] = Path.Combine(bed.Dms.Folder, "none");
        start.Environment.Remove("AWS_SESSION_TOKEN");
        start.Environment.Remove("AWS_PROFILE");
        start.Environment["AWS_PAGER"] = string.Empty;
        return Process.Start(start)!;
    }

    private static async Task<string> EndAsync(Process process)
    {
        var errors = process.StandardError.ReadToEndAsync();
        string said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', process.StartInfo.ArgumentList)} ended with {process.ExitCode.ToString(CultureInfo.InvariantCulture)}: {await errors}{said}");
        return said.Trim();
    }
}
