using System.Text;

namespace PgMigration.DmsModel;

/// <summary>What an endpoint knows of PostgreSQL.</summary>
public sealed record PostgreSQLSettings
{
    /// <summary>A statement at the begin of each session, such as <c>SET session_replication_role = replica</c>.</summary>
    public string? AfterConnectScript { get; init; }

    /// <summary>Whether an event trigger on the source tells DMS of changes to tables; needs a superuser. True where it is not said.</summary>
    public bool? CaptureDdls { get; init; }

    /// <summary>The largest file in KB by which rows go to the target; 32768 where it is not said.</summary>
    public int? MaxFileSize { get; init; }

    /// <summary>The database.</summary>
    public string? DatabaseName { get; init; }

    /// <summary>Where the event trigger's function and table are made; public where it is not said.</summary>
    public string? DdlArtifactsSchema { get; init; }

    /// <summary>Seconds a statement may take; 60 where it is not said.</summary>
    public int? ExecuteTimeout { get; init; }

    /// <summary>Whether a value longer than LobMaxSize fails the task, rather than be cut.</summary>
    public bool? FailTasksOnLobTruncation { get; init; }

    /// <summary>Whether DMS writes a heartbeat into the source, so that its slot advances on a quiet database.</summary>
    public bool? HeartbeatEnable { get; init; }

    /// <summary>Where; public where it is not said.</summary>
    public string? HeartbeatSchema { get; init; }

    /// <summary>How often, in minutes; 5 where it is not said.</summary>
    public int? HeartbeatFrequency { get; init; }

    /// <summary>The secret, here rather than on the endpoint. Never printed.</summary>
    public string? Password { get; init; }

    /// <summary>The port.</summary>
    public int? Port { get; init; }

    /// <summary>The host.</summary>
    public string? ServerName { get; init; }

    /// <summary>The login.</summary>
    public string? Username { get; init; }

    /// <summary>A slot made beforehand; needed to begin at an LSN.</summary>
    public string? SlotName { get; init; }

    /// <summary><c>test-decoding</c>, <c>pglogical</c> or <c>no-preference</c>.</summary>
    public string? PluginName { get; init; }

    /// <summary>The role that lets DMS read the secret.</summary>
    public string? SecretsManagerAccessRoleArn { get; init; }

    /// <summary>The secret in Secrets Manager, with host, port, username and password.</summary>
    public string? SecretsManagerSecretId { get; init; }

    /// <summary>Whether a boolean stays one: on both endpoints, or on neither.</summary>
    public bool? MapBooleanAsBoolean { get; init; }

    /// <summary>Whether jsonb is taken for text.</summary>
    public bool? MapJsonbAsClob { get; init; }

    /// <summary>Whether trailing blanks of char are cut; true where it is not said.</summary>
    public bool? TrimSpaceInChar { get; init; }

    /// <summary>Its name alone: a record would print every member, and one of them is a secret.</summary>
    /// <param name="builder">Where it goes.</param>
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append("ServerName = ").Append(ServerName);
        return true;
    }
}
