using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>How an archive is reached: where it lies, and for a bucket by which endpoint, region and credentials.</summary>
/// <remarks>
/// Keys are held only when they were given. Otherwise they come from where AWS programs look (the named profile, environment,
/// container, instance role), again each time, so that keys which rotate keep working in a process that loads the saved form.
/// </remarks>
public sealed record ArchiveAccess
{
    /// <summary>Where the archive lies.</summary>
    public required ArchiveLocation Location { get; init; }

    /// <summary>An S3-compatible endpoint such as <c>https://minio.example:9000</c>; null for AWS itself.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Whether the bucket is part of the path rather than of the host name; null: as the endpoint needs it (a custom one: yes).</summary>
    public bool? PathStyle { get; init; }

    /// <summary>Whether lists are asked for by version 1 of the request, for services that do not know version 2 (<c>WALG_S3_USE_LIST_OBJECTS_V1</c>).</summary>
    public bool UsesListV1 { get; init; }

    /// <summary>Whether AWS is reached by the names that also have IPv6 addresses (<c>AWS_DUAL_STACK</c>); without effect on another endpoint.</summary>
    public bool UsesDualStack { get; init; }

    /// <summary>The region, such as <c>eu-central-1</c>; null: from the profile or the environment.</summary>
    public string? Region { get; init; }

    /// <summary>A profile of the AWS configuration files; null: the usual chain of credentials.</summary>
    public string? Profile { get; init; }

    /// <summary>The file that holds the profile; null: where AWS programs look in this user's home.</summary>
    public string? ProfileFile { get; init; }

    /// <summary>Certificates, in PEM form, of authorities to trust beside the machine's own; null for none.</summary>
    public string? CertificateAuthorities { get; init; }

    /// <summary>What decrypts the archive's objects; null when they are not encrypted.</summary>
    public EncryptionKeys? Encryption { get; init; }

    /// <summary>Whether keys are held here, rather than looked up when they are needed.</summary>
    [JsonIgnore]
    public bool HasKeys => SecretAccessKey is not null;

    [JsonInclude]
    internal string? AccessKeyId { get; init; }

    [JsonInclude]
    internal string? SecretAccessKey { get; init; }

    [JsonInclude]
    internal string? SessionToken { get; init; }

    /// <summary>How the credentials are made, for a process that finds neither the environment nor the files of the user who named them.</summary>
    [JsonInclude]
    internal AwsCredentialSource? Source { get; init; }

    /// <summary>Asks the session of AWS.Tools for its keys of now; null when they come from elsewhere.</summary>
    [JsonIgnore]
    internal Func<AwsKeys>? Session { get; init; }

    /// <summary>Whose credentials are used.</summary>
    [JsonIgnore]
    public AwsIdentity Identity => new()
    {
        Profile = Profile, ProfileFile = ProfileFile, Source = Source, Session = Session,
        Keys = SecretAccessKey is null ? null : new AwsKeys(AccessKeyId!, SecretAccessKey, SessionToken),
    };

    /// <summary>Whether all that credentials are made of is held here, so that an environment adds nothing.</summary>
    [JsonIgnore]
    public bool HoldsCredentials => HasKeys || Source is not null;

    /// <summary>Access to a location with what the environment says about it, by the names that the AWS and WAL-G programs use.</summary>
    /// <param name="location">Such as <c>s3://bucket/prefix</c>.</param>
    /// <exception cref="MigrationException">As <see cref="ArchiveSettings.To"/>.</exception>
    public static ArchiveAccess To(string location)
    {
        ArgumentNullException.ThrowIfNull(location);
        return ArchiveSettings.OfEnvironment.To(location);
    }

    /// <summary>Reads a custom endpoint: an http or https address without user, query or fragment.</summary>
    /// <exception cref="MigrationException"><c>EndpointInvalid</c>.</exception>
    public static Uri ParseEndpoint(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0 && uri.Query.Length == 0 && uri.Fragment.Length == 0
            ? uri
            : throw new MigrationException("EndpointInvalid", MigrationErrorKind.InvalidArgument,
                "The endpoint is not an address of an S3 service. Expected http:// or https:// with a host, and no user, password or query in it.");

    /// <summary>The same access with keys of its own.</summary>
    /// <param name="accessKeyId">The access key's id.</param>
    /// <param name="secretAccessKey">The secret; never shown.</param>
    /// <param name="sessionToken">The token of temporary keys, or null.</param>
    public ArchiveAccess WithKeys(string accessKeyId, string secretAccessKey, string? sessionToken = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(accessKeyId);
        ArgumentException.ThrowIfNullOrWhiteSpace(secretAccessKey);
        return WithoutCredentials() with { AccessKeyId = accessKeyId, SecretAccessKey = secretAccessKey, SessionToken = string.IsNullOrEmpty(sessionToken) ? null : sessionToken };
    }

    /// <summary>The same access by a profile of the AWS configuration files, without keys that came from elsewhere.</summary>
    /// <param name="name">The profile.</param>
    /// <param name="file">The file that holds it; null for the usual ones.</param>
    public ArchiveAccess WithProfile(string name, string? file = null) => WithoutCredentials() with { Profile = name, ProfileFile = file };

    /// <summary>The same access with the keys that a session of AWS.Tools has whenever they are needed.</summary>
    public ArchiveAccess WithSession(Func<AwsKeys> ask) => WithoutCredentials() with { Session = ask };

    private ArchiveAccess WithoutCredentials() =>
        this with { Profile = null, ProfileFile = null, AccessKeyId = null, SecretAccessKey = null, SessionToken = null, Source = null, Session = null };

    /// <summary>
    /// The same access for a process of another user, such as the restored server's: that one sees neither this user's environment nor home, so region,
    /// endpoint, keys and the way to a role are taken along.
    /// </summary>
    /// <param name="observer">Is warned of temporary keys, which cannot be taken along for long.</param>
    /// <exception cref="MigrationException">As <see cref="AwsIdentity.Credentials"/>.</exception>
    public ArchiveAccess ForAnotherUser(IMigrationObserver observer) => PortableAccess.Of(this, observer);

    /// <summary>The same access with the keys that its credentials make now, and when those end; they are not renewed.</summary>
    /// <exception cref="MigrationException">As <see cref="MakeCredentialsAsync"/>.</exception>
    public Task<(ArchiveAccess Access, DateTime? Ends)> WithKeysOfNowAsync() => PortableAccess.WithKeysOfNowAsync(this);

    /// <summary>Makes the credentials once. Returns when they end and are made again; null when they last.</summary>
    /// <exception cref="MigrationException"><c>AwsCredentialsFailed</c>, <c>AwsSignInExpired</c>, <c>AwsCredentialsMissing</c>.</exception>
    public async Task<DateTime?> MakeCredentialsAsync()
    {
        var credentials = Identity.Credentials();
        _ = await credentials.GetCredentialsAsync();
        return credentials.Expiration is { Year: < 9000 } ends ? ends : null;
    }

    /// <summary>Saves it for another process, secrets included: a new file of mode 0600, put in place by rename.</summary>
    public void Save(string path)
    {
        string temporary = path + ".new";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(temporary, options))
        {
            JsonSerializer.Serialize(file, this, ArchiveJson.Default.ArchiveAccess);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="MigrationException"><c>ArchiveFileInvalid</c>; its text repeats nothing of the file.</exception>
    public static ArchiveAccess Load(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return JsonSerializer.Deserialize(file, ArchiveJson.Default.ArchiveAccess) ?? throw new JsonException();
        }
        catch (Exception error) when (error is JsonException or MigrationException)
        {
            throw new MigrationException("ArchiveFileInvalid", MigrationErrorKind.InvalidData,
                $"'{path}' does not say how an archive is reached. Expected the JSON that Start-WalRestore writes; run it again to have it written anew.");
        }
    }

    /// <summary>The address, and how it is reached, without secrets.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Location.Url);
        _ = Endpoint is null ? text : text.Append(" at ").Append(Endpoint.GetLeftPart(UriPartial.Path));
        _ = Region is null ? text : text.Append(" in ").Append(Region);
        _ = Profile is null ? text : text.Append(" with profile ").Append(Profile);
        _ = Encryption is null ? text : text.Append(", encrypted with ").Append(Encryption);
        return (HasKeys ? text.Append(" with given keys") : Source is null ? text : text.Append(" with ").Append(Source)).ToString();
    }
}
