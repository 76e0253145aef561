using System.Management.Automation;
using PgMigration.Wal;

namespace PgMigration.Cmdlets;

/// <summary>What the cmdlets that reach an archive have in common: where it lies, and how.</summary>
public abstract class ArchiveCmdlet : MigrationCmdlet
{
    /// <summary>Where the archive lies: s3://bucket/prefix, file:///path, or a folder.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    public required string Archive { get; set; }

    /// <summary>An S3-compatible endpoint such as https://minio.example:9000; by default AWS itself, or what AWS_ENDPOINT_URL or AWS_ENDPOINT says.</summary>
    [Parameter]
    public string? EndpointUrl { get; set; }

    /// <summary>The bucket's region; by default that of the session (Set-DefaultAWSRegion), the profile or AWS_REGION.</summary>
    [Parameter]
    public string? Region { get; set; }

    /// <summary>A profile of the AWS configuration files; by default the session's credentials (Set-AWSCredential), else what AWS programs use.</summary>
    [Parameter]
    public string? ProfileName { get; set; }

    /// <summary>Put the bucket into the path rather than into the host name. Most services other than AWS need it, and get it by default.</summary>
    [Parameter]
    public SwitchParameter PathStyle { get; set; }

    /// <summary>The access that the parameters, the session of AWS.Tools and the environment describe, in this order.</summary>
    /// <exception cref="MigrationException"><c>ArchiveAddressInvalid</c>, <c>EndpointInvalid</c>, <c>SessionCredentialsUnreadable</c>.</exception>
    protected ArchiveAccess ArchiveAccess()
    {
        var access = Wal.ArchiveAccess.To(Archive.Contains("://", StringComparison.Ordinal) ? Archive : ResolvePath(Archive));
        if (!access.Location.IsS3)
        {
            return access;
        }

        access = access with
        {
            Endpoint = EndpointUrl is null ? access.Endpoint : Wal.ArchiveAccess.ParseEndpoint(EndpointUrl),
            PathStyle = MyInvocation.BoundParameters.ContainsKey(nameof(PathStyle)) ? PathStyle.IsPresent : access.PathStyle,
            Region = Region ?? SessionVariable("StoredAWSRegion")?.ToString(),
            Profile = ProfileName,
        };
        return ProfileName is null && SessionVariable("StoredAWSCredentials") is { } stored ? AwsSession.WithKeysOf(access, stored) : access;
    }
}
