using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>What the cmdlets that reach AWS DMS have in common: where it is, and with which keys.</summary>
public abstract class DmsCmdlet : AwsCmdlet
{
    /// <summary>An endpoint that speaks DMS's protocol, such as the one that Start-LocalDms prints; by default AWS itself, or what AWS_ENDPOINT_URL says.</summary>
    [Parameter]
    public string? EndpointUrl { get; set; }

    /// <summary>A local DMS, as Start-LocalDms returned it: its endpoint, region and key. One from a job or a file must run on this machine.</summary>
    [Parameter]
    [LocalDmsTransformation]
    public LocalDmsServer? LocalDms { get; set; }

    /// <summary>The access that the parameters and the session of AWS.Tools describe.</summary>
    /// <param name="known">What a link knows already; null for nothing.</param>
    /// <exception cref="MigrationException"><c>EndpointInvalid</c>, <c>AwsParametersInvalid</c>, <c>SessionCredentialsUnreadable</c>.</exception>
    protected DmsAccess Access(DmsAccess? known = null)
    {
        if (LocalDms is not null)
        {
            return LocalDms.Access;
        }

        var access = (known ?? new DmsAccess()) with
        {
            Endpoint = EndpointUrl is null ? known?.Endpoint : DmsAccess.ParseEndpoint(EndpointUrl),
            Region = Region ?? known?.Region ?? NamedRegion(),
        };
        bool isKnown = access.HasKeys || access.Profile is not null || access.Session is not null;
        var choice = Choose(withSession: !isKnown);
        return ProfileName is not null ? access.WithProfile(ProfileName, ProfileFile())
            : choice.Keys is { } keys ? access.WithKeys(keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken)
            : choice.Session is { } session ? access.WithSession(session)
            : ProfileLocation is null ? access : access with { ProfileFile = ProfileFile() };
    }

    /// <summary>A link with the access of this session.</summary>
    /// <exception cref="MigrationException"><c>LinkNotSupported</c>: it is no link by DMS.</exception>
    protected DmsLink LinkOf(ReplicationLink link) => link is DmsLink dms ? dms.WithAccess(Access(dms.Access)) : throw new MigrationException("LinkNotSupported", MigrationErrorKind.InvalidArgument,
        $"A link of kind {link.Kind} is none of DMS. Expected what Start-PgDmsReplication or Get-MigrationLink returned.");
}
