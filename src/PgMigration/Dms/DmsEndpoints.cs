using System.Globalization;
using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>Describes the two databases to DMS, or finds the descriptions that there are.</summary>
internal static class DmsEndpoints
{
    // The bounds of unboundedVarcharMaxSize in bytes; source: the DMS user guide, "Endpoint settings when using PostgreSQL as a DMS source".
    private const long SmallestVarchar = 8000;
    private const long LargestVarchar = 10_485_760;

    /// <summary>What DMS is told of the source.</summary>
    /// <param name="name">The endpoint's name.</param>
    /// <param name="server">The source as DMS reaches it.</param>
    /// <param name="sslMode">As <see cref="SslModeAsync"/> says.</param>
    /// <param name="lobs">The largest values.</param>
    /// <param name="options">Secrets.</param>
    public static CreateEndpointRequest Source(string name, PgServer server, string sslMode, DmsLobs lobs, DmsReplicationOptions options) => Common(name, "source", "postgres", server, sslMode, options.SourceSecret, options, new PostgreSQLSettings
    {
        // Its heartbeat lets the slot advance on a quiet database. In our schema, which the fence leaves alone.
        HeartbeatEnable = true,
        HeartbeatFrequency = 1,
        HeartbeatSchema = MarkTable.Schema,

        // An event trigger needs a superuser, stays when nobody removes it, and what DMS makes of DDL is not what was written: tables stay as they are meanwhile.
        CaptureDdls = false,
        PluginName = "test-decoding", // pglogical, the default, is an extension that must be installed first
        ExecuteTimeout = 3600,
        MapBooleanAsBoolean = true,
    }) with
    {
        // Else a NUMERIC without bounds is cut to six decimals, and a VARCHAR without bounds, which is no LOB, to 8000 bytes.
        ExtraConnectionAttributes = string.Create(CultureInfo.InvariantCulture, $"MapUnboundedNumericAsString=true;unboundedVarcharMaxSize={Math.Clamp(1024L * lobs.MaxSize, SmallestVarchar, LargestVarchar)};"),
    };

    /// <summary>What DMS is told of the target.</summary>
    public static CreateEndpointRequest Target(string name, PgServer server, string sslMode, bool isAurora, DmsReplicationOptions options) => Common(name, "target", isAurora ? "aurora-postgresql" : "postgres", server, sslMode, options.TargetSecret, options, new PostgreSQLSettings
    {
        // Tables are loaded in any order, and triggers have fired at the source already.
        AfterConnectScript = "SET session_replication_role = replica",
        ExecuteTimeout = 3600,
        MapBooleanAsBoolean = true,
    });

    /// <summary>
    /// The endpoint of a request's name, made if it is not there, and reached by the machine. One that there is is told the request's credentials
    /// where they are others, or where DMS cannot connect with those that it has: passwords it does not show.
    /// </summary>
    /// <exception cref="MigrationException"><c>DmsEndpointDiffers</c>, <c>DmsConnectionFailed</c>.</exception>
    public static async Task<Endpoint> ReachAsync(DmsClient dms, string instanceArn, CreateEndpointRequest request, TimeSpan timeout, IMigrationObserver observer, CancellationToken cancel)
    {
        var (endpoint, isNew) = await FindOrCreateAsync(dms, request, cancel);
        bool isTold = isNew;
        if (!isNew && (Differs(request.Username, endpoint.Username) || Differs(request.SslMode, endpoint.SslMode)
            || Differs(request.PostgreSQLSettings?.SecretsManagerSecretId, endpoint.PostgreSQLSettings?.SecretsManagerSecretId)))
        {
            (endpoint, isTold) = (await TellAsync(dms, endpoint, request, cancel), true);
        }

        try
        {
            await TestAsync(dms, instanceArn, endpoint, timeout, observer, cancel);
        }
        catch (MigrationException error) when (error.ErrorId == "DmsConnectionFailed" && !isTold && (request.Password is not null || request.PostgreSQLSettings?.SecretsManagerSecretId is not null))
        {
            endpoint = await TellAsync(dms, endpoint, request, cancel);
            await TestAsync(dms, instanceArn, endpoint, timeout, observer, cancel);
        }

        return endpoint;

        static bool Differs(string? wanted, string? known) => wanted is not null && wanted != known;
    }

    /// <summary>An endpoint that was given by its ARN, reached by the machine. What somebody else made is not changed.</summary>
    /// <exception cref="MigrationException"><c>DmsResourceNotFound</c>, <c>DmsConnectionFailed</c>.</exception>
    public static async Task<Endpoint> ReachAsync(DmsClient dms, string instanceArn, string arn, TimeSpan timeout, IMigrationObserver observer, CancellationToken cancel)
    {
        var endpoint = await FindAsync(dms, arn, cancel);
        try
        {
            await TestAsync(dms, instanceArn, endpoint, timeout, observer, cancel);
            return endpoint;
        }
        catch (MigrationException error) when (error.ErrorId == "DmsConnectionFailed")
        {
            throw new MigrationException(error.ErrorId, error.Kind, $"{error.Message} The endpoint {endpoint.EndpointIdentifier} was given by its ARN, and is not changed here: its login and password are mended where it was made (aws dms modify-endpoint).", error);
        }
    }

    /// <exception cref="MigrationException"><c>DmsEndpointDiffers</c>: one of that name is about another database.</exception>
    private static async Task<(Endpoint Endpoint, bool IsNew)> FindOrCreateAsync(DmsClient dms, CreateEndpointRequest request, CancellationToken cancel)
    {
        var found = (await DmsTasks.ListOrNoneAsync(() => dms.ListEndpointsAsync([new Filter { Name = "endpoint-id", Values = [request.EndpointIdentifier] }], cancel))).FirstOrDefault();
        if (found is null)
        {
            return ((await dms.CreateEndpointAsync(request, cancel)).Endpoint!, true);
        }

        // A secret's endpoint has neither host nor login of its own.
        bool isSame = found.DatabaseName == request.DatabaseName && found.EndpointType?.ToLowerInvariant() == request.EndpointType
            && (request.ServerName is null || (found.ServerName == request.ServerName && found.Port == request.Port));
        return isSame ? (found, false) : throw new MigrationException("DmsEndpointDiffers", MigrationErrorKind.InvalidOperation,
            $"DMS has an endpoint {request.EndpointIdentifier} for {found.ServerName}:{found.Port}/{found.DatabaseName}, and this replication needs {request.ServerName}:{request.Port}/{request.DatabaseName}. Give another -Name, or remove that endpoint.");
    }

    /// <summary>The endpoint of an ARN.</summary>
    public static async Task<Endpoint> FindAsync(DmsClient dms, string arn, CancellationToken cancel) =>
        (await dms.ListEndpointsAsync([new Filter { Name = "endpoint-arn", Values = [arn] }], cancel)).FirstOrDefault()
        ?? throw new MigrationException("DmsResourceNotFound", MigrationErrorKind.NotFound, $"{dms.Access} has no endpoint {arn}.");

    private static async Task<Endpoint> TellAsync(DmsClient dms, Endpoint endpoint, CreateEndpointRequest request, CancellationToken cancel) => (await dms.ModifyEndpointAsync(new ModifyEndpointRequest
    {
        EndpointArn = endpoint.EndpointArn!,
        ServerName = request.ServerName,
        Port = request.Port,
        DatabaseName = request.DatabaseName,
        Username = request.Username,
        Password = request.Password,
        SslMode = request.SslMode,
        PostgreSQLSettings = request.PostgreSQLSettings,
    }, cancel)).Endpoint ?? endpoint;

    // Has the machine reach the database, and waits for its answer.
    private static async Task TestAsync(DmsClient dms, string instanceArn, Endpoint endpoint, TimeSpan timeout, IMigrationObserver observer, CancellationToken cancel)
    {
        await dms.TestConnectionAsync(new TestConnectionRequest { ReplicationInstanceArn = instanceArn, EndpointArn = endpoint.EndpointArn! }, cancel);
        Filter[] filters = [new() { Name = "endpoint-arn", Values = [endpoint.EndpointArn!] }, new() { Name = "replication-instance-arn", Values = [instanceArn] }];
        await DmsWait.UntilAsync($"DMS tests its connection to the {endpoint.EndpointType?.ToLowerInvariant()}",
            async () => (await DmsTasks.ListOrNoneAsync(() => dms.ListConnectionsAsync(filters, cancel))).FirstOrDefault(),
            connection => connection?.Status switch
            {
                "successful" => true,
                "failed" => throw new MigrationException("DmsConnectionFailed", MigrationErrorKind.Connection,
                    $"DMS cannot reach {endpoint.ServerName}:{endpoint.Port}/{endpoint.DatabaseName} as {endpoint.Username}: {connection.LastFailureMessage?.TrimEnd('.')}. Check security groups, pg_hba.conf, listen_addresses and the secret; where DMS reaches the server by another address than you do, give it with -{(endpoint.EndpointType?.ToLowerInvariant() == "source" ? "SourceForDms" : "TargetForDms")}."),
                _ => false,
            },
            connection => connection?.Status ?? "not begun", timeout, observer, cancel);
    }

    /// <summary>DMS's word for how the connection is encrypted: as ours is, where sslmode leaves it open.</summary>
    public static async Task<string> SslModeAsync(PgServer server, Npgsql.NpgsqlConnection session, IMigrationObserver observer, CancellationToken cancel)
    {
        switch (server.SslMode)
        {
            case "disable":
                return "none";
            case "verify-ca" or "verify-full":
                observer.Warning($"DMS verifies certificates only against one that it was given. It is told to encrypt (require) for {server.Host}; for {server.SslMode} make the endpoint in the console and adopt it by its ARN.");
                return "require";
            case "require":
                return "require";
            default:
                return await session.ScalarAsync<bool>("select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)", cancel) ? "require" : "none";
        }
    }

    private static CreateEndpointRequest Common(string name, string type, string engine, PgServer server, string sslMode, string? secret, DmsReplicationOptions options, PostgreSQLSettings settings) => new()
    {
        EndpointIdentifier = name,
        EndpointType = type,
        EngineName = engine,
        ServerName = secret is null ? server.Host : null,
        Port = secret is null ? server.Port : null,
        Username = secret is null ? server.User : null,
        Password = secret is null ? server.FindPassword() : null,
        DatabaseName = server.Database,
        SslMode = sslMode,
        PostgreSQLSettings = secret is null ? settings : settings with { SecretsManagerSecretId = secret, SecretsManagerAccessRoleArn = options.SecretRole },
        Tags = [new Tag { Key = "made-by", Value = "PgMigration" }],
    };
}
