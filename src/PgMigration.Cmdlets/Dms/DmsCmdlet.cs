using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>What the cmdlets that reach AWS DMS have in common: where it is, and with which keys.</summary>
public abstract class DmsCmdlet : MigrationCmdlet
{
    /// <summary>An endpoint that speaks DMS's protocol, such as the one that Start-LocalDms prints; by default AWS itself, or what AWS_ENDPOINT_URL says.</summary>
    [Parameter]
    public string? EndpointUrl { get; set; }

    /// <summary>A local DMS, as Start-LocalDms returned it: its endpoint, region and key. One from a job or a file must run on this machine.</summary>
    [Parameter]
    [LocalDmsTransformation]
    public LocalDmsServer? LocalDms { get; set; }

    /// <summary>The region; by default that of the session (Set-DefaultAWSRegion), the profile or AWS_REGION.</summary>
    [Parameter]
    public string? Region { get; set; }

    /// <summary>A profile of the AWS configuration files; by default the session's credentials (Set-AWSCredential), else what AWS programs use.</summary>
    [Parameter]
    public string? ProfileName { get; set; }

    /// <summary>The access that the parameters and the session of AWS.Tools describe.</summary>
    /// <param name="known">What a link knows already; null for nothing.</param>
    /// <exception cref="MigrationException"><c>EndpointInvalid</c>, <c>SessionCredentialsUnreadable</c>.</exception>
    protected DmsAccess Access(DmsAccess? known = null)
    {
        if (LocalDms is not null)
        {
            return LocalDms.Access;
        }

        var access = (known ?? new DmsAccess()) with
        {
            Endpoint = EndpointUrl is null ? known?.Endpoint : DmsAccess.ParseEndpoint(EndpointUrl),
            Region = Region ?? known?.Region ?? SessionVariable("StoredAWSRegion")?.ToString(),
        };
        if (ProfileName is not null)
        {
            return access with { Profile = ProfileName };
        }

        return !access.HasKeys && access.Profile is null && SessionVariable("StoredAWSCredentials") is { } stored && AwsSession.KeysOf(stored) is var (key, secret, token)
            ? access.WithKeys(key, secret, token) : access;
    }

    /// <summary>A link with the access of this session.</summary>
    /// <exception cref="MigrationException"><c>LinkNotSupported</c>: it is no link by DMS.</exception>
    protected DmsLink LinkOf(ReplicationLink link) => link is DmsLink dms ? dms.WithAccess(Access(dms.Access)) : throw new MigrationException("LinkNotSupported", MigrationErrorKind.InvalidArgument,
        $"A link of kind {link.Kind} is none of DMS. Expected what Start-PgDmsReplication or Get-MigrationLink returned.");
}
