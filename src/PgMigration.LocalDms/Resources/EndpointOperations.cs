using System.Text.Json;
using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>Operations on endpoints.</summary>
/// <param name="resources">The resources.</param>
internal sealed class EndpointOperations(Resources resources)
{
    private const int DefaultPort = 5432;

    /// <summary>Makes them known.</summary>
    public void AddTo(Operations operations)
    {
        operations.Add<CreateEndpointRequest>("CreateEndpoint", Create);
        operations.Add<DescribeEndpointsRequest>("DescribeEndpoints", Describe);
        operations.Add<ModifyEndpointRequest>("ModifyEndpoint", Modify);
        operations.Add<DeleteEndpointRequest>("DeleteEndpoint", Delete);
    }

    private CreateEndpointResponse Create(CreateEndpointRequest request)
    {
        string name = Identifiers.Check(request.EndpointIdentifier, "endpoint");
        if (resources.Endpoints.Exists(endpoint => endpoint.Identifier == name))
        {
            throw Fault.AlreadyExists($"Endpoint '{name}' already exists.");
        }

        var settings = request.PostgreSQLSettings;
        RefuseSecret(settings);

        var record = new EndpointRecord
        {
            Identifier = name,
            Arn = resources.Arn.New("endpoint"),
            Type = OneOf("EndpointType", request.EndpointType, "source", "target"),
            Engine = OneOf("EngineName", request.EngineName, "postgres", "aurora-postgresql"),
            ServerName = Required("ServerName", request.ServerName ?? settings?.ServerName),
            Port = request.Port ?? settings?.Port ?? DefaultPort,
            Database = Required("DatabaseName", request.DatabaseName ?? settings?.DatabaseName),
            User = Required("Username", request.Username ?? settings?.Username),
            Password = request.Password ?? settings?.Password,
            SslMode = OneOf("SslMode", request.SslMode ?? "none", "none", "require", "verify-ca", "verify-full"),
            ExtraConnectionAttributes = request.ExtraConnectionAttributes,
            Settings = settings is null ? null : settings with { Password = null },
        };
        resources.Endpoints.Add(record);
        resources.Save();
        return new() { Endpoint = Show(record) };
    }

    private DescribeEndpointsResponse Describe(DescribeEndpointsRequest request)
    {
        var found = Pages.Filter(resources.Endpoints, request.Filters, "endpoints",
            ("endpoint-arn", endpoint => endpoint.Arn), ("endpoint-id", endpoint => endpoint.Identifier), ("endpoint-type", endpoint => endpoint.Type), ("engine-name", endpoint => endpoint.Engine));
        var (page, marker) = Pages.Of(found, request.MaxRecords, request.Marker);
        return new() { Endpoints = [.. page.Select(endpoint => Show(endpoint))], Marker = marker };
    }

    private ModifyEndpointResponse Modify(ModifyEndpointRequest request)
    {
        var record = resources.Endpoint(request.EndpointArn);
        var settings = request.PostgreSQLSettings;
        RefuseSecret(settings);
        if (resources.Tasks.FirstOrDefault(task => task.IsBusy && (task.Record.SourceArn == record.Arn || task.Record.TargetArn == record.Arn)) is { } busy)
        {
            throw Fault.InvalidState($"Endpoint '{record.Identifier}' cannot be modified: replication task '{busy.Record.Identifier}' is {busy.Record.Status}.");
        }

        record.SslMode = OneOf("SslMode", request.SslMode ?? record.SslMode, "none", "require", "verify-ca", "verify-full");
        record.ServerName = Required("ServerName", request.ServerName ?? settings?.ServerName ?? record.ServerName);
        record.Port = request.Port ?? settings?.Port ?? record.Port;
        record.Database = Required("DatabaseName", request.DatabaseName ?? settings?.DatabaseName ?? record.Database);
        record.User = Required("Username", request.Username ?? settings?.Username ?? record.User);
        record.Password = request.Password ?? settings?.Password ?? record.Password;
        if (settings is not null)
        {
            record.Settings = (request.ExactSettings == true ? settings : Merge(record.Settings, settings)) with { Password = null };
        }

        resources.Save();
        return new() { Endpoint = Show(record) };
    }

    // What is not said stays as it was.
    private static PostgreSQLSettings Merge(PostgreSQLSettings? known, PostgreSQLSettings changed)
    {
        var merged = JsonSerializer.SerializeToNode(known ?? new PostgreSQLSettings(), DmsJson.Options)!.AsObject();
        foreach (var (name, value) in JsonSerializer.SerializeToNode(changed, DmsJson.Options)!.AsObject().Where(member => member.Value is not null))
        {
            merged[name] = value!.DeepClone();
        }

        return merged.Deserialize<PostgreSQLSettings>(DmsJson.Options)!;
    }

    private static void RefuseSecret(PostgreSQLSettings? settings)
    {
        if (settings?.SecretsManagerSecretId is not null)
        {
            throw Fault.InvalidValue("The local DMS reaches no Secrets Manager: give Username and Password.");
        }
    }

    private DeleteEndpointResponse Delete(DeleteEndpointRequest request)
    {
        var record = resources.Endpoint(request.EndpointArn);
        if (resources.Tasks.Any(task => task.Record.SourceArn == record.Arn || task.Record.TargetArn == record.Arn))
        {
            throw Fault.InvalidState($"Endpoint '{record.Identifier}' is part of one or more ReplicationTasks.");
        }

        resources.Endpoints.Remove(record);
        resources.Connections.RemoveAll(connection => connection.EndpointArn == record.Arn);
        resources.Save();
        return new() { Endpoint = Show(record, "deleting") };
    }

    private static Endpoint Show(EndpointRecord record, string status = "active") => new()
    {
        EndpointIdentifier = record.Identifier,
        EndpointArn = record.Arn,
        EndpointType = record.Type,
        EngineName = record.Engine,
        EngineDisplayName = record.Engine == "postgres" ? "PostgreSQL" : "Amazon Aurora PostgreSQL",
        ServerName = record.ServerName,
        Port = record.Port,
        DatabaseName = record.Database,
        Username = record.User,
        SslMode = record.SslMode,
        ExtraConnectionAttributes = record.ExtraConnectionAttributes,
        PostgreSQLSettings = record.Settings,
        Status = status,
    };

    private static string Required(string name, string? value) => string.IsNullOrWhiteSpace(value) ? throw Fault.InvalidValue($"{name} must be specified.") : value;

    private static string OneOf(string name, string? value, params string[] values) =>
        value is not null && values.Contains(value) ? value : throw Fault.InvalidValue($"{name} is '{value}'; expected {string.Join(", ", values)}.");
}
