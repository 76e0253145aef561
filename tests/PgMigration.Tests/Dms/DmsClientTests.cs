using System.Text.Json;
using PgMigration.DmsModel;

namespace PgMigration.Tests;

public sealed class DmsClientTests
{
    [Fact]
    public async Task An_operation_is_one_signed_message_with_the_names_of_the_service()
    {
        using var dms = new CannedDms((200, """{"ReplicationTask": {"ReplicationTaskArn": "arn:aws:dms:eu-central-1:1:task:A", "Status": "starting"}}"""));

        var answer = await dms.Client.StartReplicationTaskAsync(new StartReplicationTaskRequest { ReplicationTaskArn = "arn:aws:dms:eu-central-1:1:task:A", StartReplicationTaskType = "start-replication" });

        Assert.Equal("starting", answer.ReplicationTask!.Status);
        var (headers, body) = Assert.Single(dms.Seen);
        Assert.Equal("AmazonDMSv20160101.StartReplicationTask", headers["X-Amz-Target"]);
        Assert.Equal("application/x-amz-json-1.1", headers["Content-Type"]);
        Assert.Contains("/eu-central-1/dms/aws4_request", headers["Authorization"], StringComparison.Ordinal);
        Assert.Equal("a-token", headers["X-Amz-Security-Token"]);
        Assert.Equal("""{"ReplicationTaskArn":"arn:aws:dms:eu-central-1:1:task:A","StartReplicationTaskType":"start-replication"}""", body);
    }

    [Fact]
    public async Task Times_are_seconds_since_1970_in_both_directions()
    {
        using var dms = new CannedDms((200, """{"ReplicationTasks": [{"ReplicationTaskCreationDate": 1769860800.25}]}"""));

        var task = Assert.Single(await dms.Client.ListReplicationTasksAsync());

        Assert.Equal(new DateTime(2026, 1, 31, 12, 0, 0, 250, DateTimeKind.Utc), task.ReplicationTaskCreationDate);
        Assert.Equal("""{"ReplicationTaskCreationDate":1769860800.25}""", JsonSerializer.Serialize(task, DmsJson.Options));
    }

    [Fact]
    public async Task A_list_is_read_to_its_last_page()
    {
        using var dms = new CannedDms(
            (200, """{"Marker": "m1", "TableStatistics": [{"TableName": "a"}]}"""), (200, """{"Marker": "m2", "TableStatistics": []}"""), (200, """{"TableStatistics": [{"TableName": "b"}]}"""));

        var tables = await dms.Client.ListTableStatisticsAsync("arn:task");

        Assert.Equal(["a", "b"], tables.Select(table => table.TableName));
        Assert.Equal([null, "m1", "m2"], dms.Seen.Select(seen => JsonDocument.Parse(seen.Body).RootElement.TryGetProperty("Marker", out var marker) ? marker.GetString() : null));
    }

    [Theory]
    [InlineData("m1", "m1", "m1")]
    [InlineData("m1", "m2", "m1")]
    public async Task A_list_whose_markers_come_again_is_an_error_and_not_a_loop(params string[] markers)
    {
        using var dms = new CannedDms([.. markers.Select(marker => (200, $$"""{"Marker": "{{marker}}", "TableStatistics": [{"TableName": "a"}]}"""))]);

        var error = await Assert.ThrowsAsync<MigrationException>(() => dms.Client.ListTableStatisticsAsync("arn:task"));

        Assert.Equal(("DmsListInvalid", MigrationErrorKind.InvalidData), (error.ErrorId, error.Kind));
    }

    [Theory]
    [InlineData("ResourceNotFoundFault", "DmsResourceNotFound", MigrationErrorKind.NotFound)]
    [InlineData("com.amazonaws.dms#InvalidResourceStateFault", "DmsInvalidResourceState", MigrationErrorKind.InvalidOperation)]
    [InlineData("AccessDeniedFault", "DmsAccessDenied", MigrationErrorKind.PermissionDenied)]
    [InlineData("InvalidParameterValueException", "DmsInvalidParameterValue", MigrationErrorKind.InvalidArgument)]
    [InlineData("ResourceQuotaExceededFault", "DmsResourceQuotaExceeded", MigrationErrorKind.ResourceUnavailable)]
    public async Task A_fault_is_an_error_with_its_name_and_what_the_service_said(string fault, string id, MigrationErrorKind kind)
    {
        using var dms = new CannedDms((400, JsonSerializer.Serialize(new Dictionary<string, string> { ["__type"] = fault, ["message"] = "it is so." })));

        var error = await Assert.ThrowsAsync<MigrationException>(() => dms.Client.DeleteEndpointAsync(new DeleteEndpointRequest { EndpointArn = "arn:x" }));

        Assert.Equal((id, kind), (error.ErrorId, error.Kind));
        Assert.Contains("it is so", error.Message, StringComparison.Ordinal);
        Assert.Single(dms.Seen);
    }

    [Fact]
    public async Task Throttling_is_asked_again()
    {
        using var dms = new CannedDms((400, """{"__type": "ThrottlingException", "message": "Rate exceeded"}"""), (200, """{"Endpoints": [{"EndpointIdentifier": "e"}]}"""));

        Assert.Equal("e", Assert.Single(await dms.Client.ListEndpointsAsync()).EndpointIdentifier);
        Assert.Equal(2, dms.Seen.Count);
    }

    [Fact]
    public async Task An_answer_that_is_none_of_the_service_says_so()
    {
        using var dms = new CannedDms((403, "<html>a proxy</html>"));

        var error = await Assert.ThrowsAsync<MigrationException>(() => dms.Client.ListEndpointsAsync());

        Assert.Equal(("DmsForbidden", MigrationErrorKind.PermissionDenied), (error.ErrorId, error.Kind));
    }

    [Fact]
    public async Task A_wait_ends_when_it_is_done_and_says_what_was_seen_when_it_is_not()
    {
        using var dms = new CannedDms((200, """{"ReplicationTasks": [{"Status": "modifying"}]}"""), (200, """{"ReplicationTasks": [{"Status": "ready"}]}"""));
        Task<ReplicationTask> WaitAsync(string status) => DmsWait.UntilAsync("Waiting for the task", async () => (await dms.Client.ListReplicationTasksAsync())[0],
            task => task.Status == status, task => task.Status!, TimeSpan.FromSeconds(1), IMigrationObserver.None);

        Assert.Equal("ready", (await WaitAsync("ready")).Status);
        var error = await Assert.ThrowsAsync<MigrationException>(() => WaitAsync("running"));

        Assert.Equal("DmsWaitTimeout", error.ErrorId);
        Assert.Contains("last seen: ready", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_request_with_a_secret_prints_none()
    {
        var request = new CreateEndpointRequest { EndpointIdentifier = "e", EndpointType = "source", EngineName = "postgres", Password = "hunter2", PostgreSQLSettings = new PostgreSQLSettings { Password = "hunter3" } };

        Assert.DoesNotContain("hunter", $"{request} {request.PostgreSQLSettings}", StringComparison.Ordinal);
    }
}
