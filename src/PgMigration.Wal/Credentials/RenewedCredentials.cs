using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>Credentials that expire: made when they are first needed, and made again before they end or when the service refuses them.</summary>
/// <param name="source">What makes them; named when that fails.</param>
/// <param name="issue">Makes them; called again each time they are to be renewed.</param>
internal sealed class RenewedCredentials(AwsCredentialSource source, Func<Task<IssuedKeys>> issue) : RefreshingAWSCredentials
{
    private static readonly TimeSpan NotMoreOftenThan = TimeSpan.FromSeconds(5);
    private long _issued = long.MinValue / 2;

    /// <summary>The service refuses them. Returns whether the next request makes new ones: those that were just made are no better the second time.</summary>
    public bool Renew()
    {
        if (Environment.TickCount64 - Volatile.Read(ref _issued) < NotMoreOftenThan.TotalMilliseconds)
        {
            return false;
        }

        ClearCredentials();
        return true;
    }

    /// <inheritdoc/>
    protected override CredentialsRefreshState GenerateNewCredentials() => Task.Run(GenerateNewCredentialsAsync).GetAwaiter().GetResult();

    /// <inheritdoc/>
    protected override async Task<CredentialsRefreshState> GenerateNewCredentialsAsync()
    {
        try
        {
            var keys = await issue();

            // Shares of their lifetime, so that short-lived ones are not renewed with every request.
            var lifetime = keys.Expires - DateTime.UtcNow;
            ExpirationBuffer = Shorter(TimeSpan.FromMinutes(1), lifetime / 10);
            PreemptExpiryTime = Shorter(TimeSpan.FromMinutes(10), lifetime / 5);
            Volatile.Write(ref _issued, Environment.TickCount64);
            return new CredentialsRefreshState(new ImmutableCredentials(keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken), keys.Expires);
        }
        catch (Exception error) when (error is not MigrationException)
        {
            throw AwsCredentialErrors.Explain(source, error);
        }
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => other < TimeSpan.Zero ? TimeSpan.Zero : one < other ? one : other;
}
