namespace PgMigration.Wal;

/// <summary>An access key of AWS with its secret. Shows itself without it.</summary>
/// <param name="AccessKeyId">The key's id.</param>
/// <param name="SecretAccessKey">The secret.</param>
/// <param name="SessionToken">The token of a temporary key; null for one that lasts.</param>
public sealed record AwsKeys(string AccessKeyId, string SecretAccessKey, string? SessionToken)
{
    /// <summary>The key's id.</summary>
    public override string ToString() => AccessKeyId;
}
