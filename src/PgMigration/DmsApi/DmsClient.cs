using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>
/// AWS DMS, or what speaks its protocol: the SDK's operations by their names. Every method throws a <see cref="MigrationException"/> whose id is
/// the fault's name, such as <c>DmsResourceNotFound</c>, <c>DmsInvalidResourceState</c>, <c>DmsResourceAlreadyExists</c>,
/// <c>DmsInvalidParameterValue</c>, <c>DmsAccessDenied</c>; or <c>DmsUnreachable</c>, <c>DmsRequestFailed</c>, and what
/// <see cref="Wal.AwsIdentity.Credentials"/> throws.
/// </summary>
/// <remarks>
/// AWSSDK.DatabaseMigrationService is not among the packages that this project is built from. The messages are in PgMigration.DmsModel, with that
/// package's names, so that it can take their place; everything below them is AWSSDK.Core's.
/// </remarks>
public sealed class DmsClient : IDisposable
{
    private const int MostPages = 1_000; // of 100 items or more each
    private readonly DmsConnection _connection;

    /// <summary>A client; nothing is sent yet.</summary>
    /// <exception cref="MigrationException"><c>RegionMissing</c>, <c>ProfileNotFound</c>.</exception>
    public DmsClient(DmsAccess access)
    {
        ArgumentNullException.ThrowIfNull(access);
        Access = access;
        _connection = DmsConnection.Open(access);
    }

    /// <summary>How it is reached.</summary>
    public DmsAccess Access { get; }

    /// <summary>Asks for a machine.</summary>
    public Task<CreateReplicationInstanceResponse> CreateReplicationInstanceAsync(CreateReplicationInstanceRequest request, CancellationToken cancel = default) =>
        InvokeAsync<CreateReplicationInstanceResponse>("CreateReplicationInstance", request, cancel);

    /// <summary>One page of machines; see <see cref="ListReplicationInstancesAsync"/>.</summary>
    public Task<DescribeReplicationInstancesResponse> DescribeReplicationInstancesAsync(DescribeReplicationInstancesRequest request, CancellationToken cancel = default) =>
        InvokeAsync<DescribeReplicationInstancesResponse>("DescribeReplicationInstances", request, cancel);

    /// <summary>Removes a machine.</summary>
    public Task<DeleteReplicationInstanceResponse> DeleteReplicationInstanceAsync(DeleteReplicationInstanceRequest request, CancellationToken cancel = default) =>
        InvokeAsync<DeleteReplicationInstanceResponse>("DeleteReplicationInstance", request, cancel);

    /// <summary>Describes a database to DMS.</summary>
    public Task<CreateEndpointResponse> CreateEndpointAsync(CreateEndpointRequest request, CancellationToken cancel = default) =>
        InvokeAsync<CreateEndpointResponse>("CreateEndpoint", request, cancel);

    /// <summary>One page of endpoints; see <see cref="ListEndpointsAsync"/>.</summary>
    public Task<DescribeEndpointsResponse> DescribeEndpointsAsync(DescribeEndpointsRequest request, CancellationToken cancel = default) =>
        InvokeAsync<DescribeEndpointsResponse>("DescribeEndpoints", request, cancel);

    /// <summary>Changes what DMS knows of a database.</summary>
    public Task<ModifyEndpointResponse> ModifyEndpointAsync(ModifyEndpointRequest request, CancellationToken cancel = default) =>
        InvokeAsync<ModifyEndpointResponse>("ModifyEndpoint", request, cancel);

    /// <summary>Removes an endpoint.</summary>
    public Task<DeleteEndpointResponse> DeleteEndpointAsync(DeleteEndpointRequest request, CancellationToken cancel = default) =>
        InvokeAsync<DeleteEndpointResponse>("DeleteEndpoint", request, cancel);

    /// <summary>Begins a test of a machine's way to an endpoint.</summary>
    public Task<TestConnectionResponse> TestConnectionAsync(TestConnectionRequest request, CancellationToken cancel = default) =>
        InvokeAsync<TestConnectionResponse>("TestConnection", request, cancel);

    /// <summary>One page of tests; see <see cref="ListConnectionsAsync"/>.</summary>
    public Task<DescribeConnectionsResponse> DescribeConnectionsAsync(DescribeConnectionsRequest request, CancellationToken cancel = default) =>
        InvokeAsync<DescribeConnectionsResponse>("DescribeConnections", request, cancel);

    /// <summary>Makes a task.</summary>
    public Task<CreateReplicationTaskResponse> CreateReplicationTaskAsync(CreateReplicationTaskRequest request, CancellationToken cancel = default) =>
        InvokeAsync<CreateReplicationTaskResponse>("CreateReplicationTask", request, cancel);

    /// <summary>One page of tasks; see <see cref="ListReplicationTasksAsync"/>.</summary>
    public Task<DescribeReplicationTasksResponse> DescribeReplicationTasksAsync(DescribeReplicationTasksRequest request, CancellationToken cancel = default) =>
        InvokeAsync<DescribeReplicationTasksResponse>("DescribeReplicationTasks", request, cancel);

    /// <summary>Starts or resumes a task.</summary>
    public Task<StartReplicationTaskResponse> StartReplicationTaskAsync(StartReplicationTaskRequest request, CancellationToken cancel = default) =>
        InvokeAsync<StartReplicationTaskResponse>("StartReplicationTask", request, cancel);

    /// <summary>Stops a task.</summary>
    public Task<StopReplicationTaskResponse> StopReplicationTaskAsync(StopReplicationTaskRequest request, CancellationToken cancel = default) =>
        InvokeAsync<StopReplicationTaskResponse>("StopReplicationTask", request, cancel);

    /// <summary>Changes a task that is stopped.</summary>
    public Task<ModifyReplicationTaskResponse> ModifyReplicationTaskAsync(ModifyReplicationTaskRequest request, CancellationToken cancel = default) =>
        InvokeAsync<ModifyReplicationTaskResponse>("ModifyReplicationTask", request, cancel);

    /// <summary>Removes a task.</summary>
    public Task<DeleteReplicationTaskResponse> DeleteReplicationTaskAsync(DeleteReplicationTaskRequest request, CancellationToken cancel = default) =>
        InvokeAsync<DeleteReplicationTaskResponse>("DeleteReplicationTask", request, cancel);

    /// <summary>Loads tables anew.</summary>
    public Task<ReloadTablesResponse> ReloadTablesAsync(ReloadTablesRequest request, CancellationToken cancel = default) =>
        InvokeAsync<ReloadTablesResponse>("ReloadTables", request, cancel);

    /// <summary>One page of a task's tables; see <see cref="ListTableStatisticsAsync"/>.</summary>
    public Task<DescribeTableStatisticsResponse> DescribeTableStatisticsAsync(DescribeTableStatisticsRequest request, CancellationToken cancel = default) =>
        InvokeAsync<DescribeTableStatisticsResponse>("DescribeTableStatistics", request, cancel);

    /// <summary>All machines that fit the filters.</summary>
    public Task<ReplicationInstance[]> ListReplicationInstancesAsync(Filter[]? filters = null, CancellationToken cancel = default) => PagesAsync(async marker =>
    {
        var page = await DescribeReplicationInstancesAsync(new DescribeReplicationInstancesRequest { Filters = filters, MaxRecords = 100, Marker = marker }, cancel);
        return (page.ReplicationInstances, page.Marker);
    });

    /// <summary>All endpoints that fit the filters.</summary>
    public Task<Endpoint[]> ListEndpointsAsync(Filter[]? filters = null, CancellationToken cancel = default) => PagesAsync(async marker =>
    {
        var page = await DescribeEndpointsAsync(new DescribeEndpointsRequest { Filters = filters, MaxRecords = 100, Marker = marker }, cancel);
        return (page.Endpoints, page.Marker);
    });

    /// <summary>All tests of connections that fit the filters.</summary>
    public Task<Connection[]> ListConnectionsAsync(Filter[]? filters = null, CancellationToken cancel = default) => PagesAsync(async marker =>
    {
        var page = await DescribeConnectionsAsync(new DescribeConnectionsRequest { Filters = filters, MaxRecords = 100, Marker = marker }, cancel);
        return (page.Connections, page.Marker);
    });

    /// <summary>All tasks that fit the filters.</summary>
    public Task<ReplicationTask[]> ListReplicationTasksAsync(Filter[]? filters = null, CancellationToken cancel = default) => PagesAsync(async marker =>
    {
        var page = await DescribeReplicationTasksAsync(new DescribeReplicationTasksRequest { Filters = filters, MaxRecords = 100, Marker = marker }, cancel);
        return (page.ReplicationTasks, page.Marker);
    });

    /// <summary>All tables of a task.</summary>
    public Task<TableStatistics[]> ListTableStatisticsAsync(string replicationTaskArn, CancellationToken cancel = default) => PagesAsync(async marker =>
    {
        var page = await DescribeTableStatisticsAsync(new DescribeTableStatisticsRequest { ReplicationTaskArn = replicationTaskArn, MaxRecords = 500, Marker = marker }, cancel);
        return (page.TableStatistics, page.Marker);
    });

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private static async Task<T[]> PagesAsync<T>(Func<string?, Task<(T[]? Items, string? Marker)>> read)
    {
        var all = new List<T>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? marker = null;
        do
        {
            var (items, next) = await read(marker);
            all.AddRange(items ?? []);
            marker = next;
            if (!string.IsNullOrEmpty(marker) && (!seen.Add(marker) || seen.Count > MostPages))
            {
                throw new MigrationException("DmsListInvalid", MigrationErrorKind.InvalidData,
                    $"The service that answers for DMS does not end its list of {typeof(T).Name}: after {seen.Count} pages it gave another marker, or one that it had given before. Expected a new marker for each page, and none on the last. Check the endpoint, and anything between here and the service.");
            }
        }
        while (!string.IsNullOrEmpty(marker));
        return [.. all];
    }

    private async Task<TResponse> InvokeAsync<TResponse>(string operation, object request, CancellationToken cancel)
        where TResponse : class
    {
        ArgumentNullException.ThrowIfNull(request);
        try
        {
            return await _connection.InvokeAsync<TResponse>(operation, request, cancel);
        }
        catch (Exception error) when (!cancel.IsCancellationRequested && error is not MigrationException)
        {
            throw DmsErrors.Explain(error, operation, Access);
        }
    }
}
