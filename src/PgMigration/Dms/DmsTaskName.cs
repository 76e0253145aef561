namespace PgMigration;

/// <summary>One task of a link: how it is called, and the table by which its end-to-end way is measured.</summary>
/// <param name="Identifier">The task's name.</param>
/// <param name="Arn">Its address in AWS.</param>
/// <param name="Login">DMS's login on the source; null when it is not known.</param>
public sealed record DmsTaskName(string Identifier, string Arn, string? Login)
{
    /// <summary>The name of our table in the task's mappings, in the schema pgmigration.</summary>
    public string Heartbeat => DmsHeartbeat.TableOf(Identifier);

    /// <summary>The region in the ARN; null where it has none.</summary>
    internal string? Region => Arn.Split(':') is [_, _, _, { Length: > 0 } region, ..] ? region : null;
}
