using Npgsql;
using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>Tests of the ways from instances to endpoints.</summary>
/// <param name="resources">The resources.</param>
internal sealed class ConnectionOperations(Resources resources)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Makes them known.</summary>
    public void AddTo(Operations operations)
    {
        operations.Add<TestConnectionRequest>("TestConnection", Test);
        operations.Add<DescribeConnectionsRequest>("DescribeConnections", Describe);
        operations.Add<DeleteConnectionRequest>("DeleteConnection", Delete);
    }

    private TestConnectionResponse Test(TestConnectionRequest request)
    {
        var instance = resources.Instance(request.ReplicationInstanceArn);
        var endpoint = resources.Endpoint(request.EndpointArn);
        var record = resources.Connections.Find(connection => connection.InstanceArn == instance.Arn && connection.EndpointArn == endpoint.Arn);
        if (record is null)
        {
            record = new ConnectionRecord { InstanceArn = instance.Arn, EndpointArn = endpoint.Arn };
            resources.Connections.Add(record);
        }

        record.Status = "testing";
        record.LastFailure = null;
        resources.Save();
        _ = Task.Run(() => TestAsync(record, endpoint.ToDatabase()));
        return new() { Connection = Show(record) };
    }

    private async Task TestAsync(ConnectionRecord record, DatabaseEndpoint database)
    {
        string? failure = null;
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await using var connection = await database.ConnectAsync("awsdms_local_test", limit.Token);
        }
        catch (Exception error) when (error is NpgsqlException or TimeoutException or OperationCanceledException or System.Net.Sockets.SocketException)
        {
            failure = $"Application-Status: 1020912, Application-Message: Failed to connect to {database}, Application-Detailed-Message: {error.Message}";
        }

        lock (resources.Gate)
        {
            record.Status = failure is null ? "successful" : "failed";
            record.LastFailure = failure;
            resources.Save();
        }
    }

    private DescribeConnectionsResponse Describe(DescribeConnectionsRequest request)
    {
        var found = Pages.Filter(resources.Connections, request.Filters, "connections",
            ("endpoint-arn", connection => connection.EndpointArn), ("replication-instance-arn", connection => connection.InstanceArn));
        var (page, marker) = Pages.Of(found, request.MaxRecords, request.Marker);
        return new() { Connections = [.. page.Select(Show)], Marker = marker };
    }

    private DeleteConnectionResponse Delete(DeleteConnectionRequest request)
    {
        var record = resources.Connections.Find(connection => connection.EndpointArn == request.EndpointArn && connection.InstanceArn == request.ReplicationInstanceArn)
            ?? throw Fault.NotFound("No such connection was tested.");
        var shown = Show(record) with { Status = "deleting" };
        resources.Connections.Remove(record);
        resources.Save();
        return new() { Connection = shown };
    }

    private Connection Show(ConnectionRecord record) => new()
    {
        ReplicationInstanceArn = record.InstanceArn,
        ReplicationInstanceIdentifier = resources.Instance(record.InstanceArn).Identifier,
        EndpointArn = record.EndpointArn,
        EndpointIdentifier = resources.Endpoint(record.EndpointArn).Identifier,
        Status = record.Status,
        LastFailureMessage = record.LastFailure,
    };
}
