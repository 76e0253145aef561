using System.Management.Automation;
using System.Net;
using System.Security;
using PgMigration.Wal;

namespace PgMigration.Cmdlets;

/// <summary>What the cmdlets that reach an archive have in common: where it lies, how it is reached, and what decrypts it.</summary>
public abstract class ArchiveCmdlet : AwsCmdlet
{
    private ArchiveSettings? _settings;

    /// <summary>Where the archive lies: s3://bucket/prefix, file:///path, or a folder. By default what WALG_S3_PREFIX, WALE_S3_PREFIX or WALG_FILE_PREFIX says.</summary>
    [Parameter(Position = 0)]
    public string? Archive { get; set; }

    /// <summary>
    /// What is piped: a backup, as Get-WalBackup lists it, or a report of Test-WalArchive. It says which archive and which backup are meant, and how the
    /// archive was reached (endpoint, region, profile, path style, and within one session the keys): parameters that are given go before.
    /// </summary>
    [Parameter(ValueFromPipeline = true)]
    public PSObject? InputObject { get; set; }

    /// <summary>An S3-compatible endpoint such as https://minio.example:9000; by default AWS itself, or what AWS_ENDPOINT_URL or AWS_ENDPOINT says.</summary>
    [Parameter]
    public string? EndpointUrl { get; set; }

    /// <summary>Put the bucket into the path rather than into the host name. Most services other than AWS need it, and get it by default.</summary>
    [Parameter]
    public SwitchParameter PathStyle { get; set; }

    /// <summary>
    /// A file of WAL-G's settings; by default the one that WALG_CONFIG_PATH names, or .walg.json in your home. Variables of the environment go before it, as in WAL-G.
    /// </summary>
    [Parameter]
    public string? WalgConfig { get; set; }

    /// <summary>Read variables with this and an underscore in front before others, such as HEROKU_POSTGRESQL_AMBER for HEROKU_POSTGRESQL_AMBER_AWS_ACCESS_KEY_ID.</summary>
    [Parameter]
    public string? VariablePrefix { get; set; }

    /// <summary>A file that holds the libsodium key of the archive; by default what WALG_LIBSODIUM_KEY or WALG_LIBSODIUM_KEY_PATH says.</summary>
    [Parameter]
    public string? LibsodiumKeyPath { get; set; }

    /// <summary>How the text of the libsodium key becomes its bytes; by default what WALG_LIBSODIUM_KEY_TRANSFORM says, else none.</summary>
    [Parameter]
    [ValidateSet("base64", "hex", "none")]
    public string? LibsodiumKeyTransform { get; set; }

    /// <summary>A file that holds the armored OpenPGP private key of the archive; by default what WALG_PGP_KEY or WALG_PGP_KEY_PATH says.</summary>
    [Parameter]
    public string? PgpKeyPath { get; set; }

    /// <summary>The passphrase of the OpenPGP key; by default what WALG_PGP_KEY_PASSPHRASE says.</summary>
    [Parameter]
    public SecureString? PgpPassphrase { get; set; }

    /// <summary>The settings that the parameters, the environment and the file give.</summary>
    /// <exception cref="MigrationException"><c>WalgConfigInvalid</c>.</exception>
    protected ArchiveSettings Settings => _settings ??= ArchiveSettings.Read(WalgConfig is null ? null : ResolvePath(WalgConfig), Observer, Given(), VariablePrefix);

    /// <summary>Whether a piped link is understood: its archive is meant.</summary>
    private protected virtual bool TakesLinks => false;

    /// <summary>What was piped now; null when nothing is piped into the cmdlet.</summary>
    /// <exception cref="MigrationException"><c>InputNotSupported</c>; <c>InputMissing</c>: a null was piped.</exception>
    private protected ArchiveInput? ReadInput() => InputObject is not null ? ArchiveInput.Read(InputObject, TakesLinks)
        : MyInvocation.ExpectingInput ? throw PipedObject.Missing(ArchiveInput.Expected(TakesLinks)) : null;

    /// <summary>The name of the backup that is meant: the given one or the piped one.</summary>
    /// <exception cref="MigrationException"><c>BackupAmbiguous</c>: both are given and differ.</exception>
    private protected static string? BackupOf(ArchiveInput? piped, string? given) => piped is null || given is null || piped.BackupName == given ? piped?.BackupName ?? given
        : throw new MigrationException("BackupAmbiguous", MigrationErrorKind.InvalidArgument, $"The backup {piped.BackupName} was piped, and -BackupName names {given}. Leave one of them out.");

    /// <summary>The access that the parameters, what was piped, the session of AWS.Tools, the environment and the file describe, in this order.</summary>
    /// <param name="piped">What was piped; null for nothing.</param>
    /// <exception cref="MigrationException">As <see cref="ArchiveSettings.To"/>; <c>AwsParametersInvalid</c>; <c>SessionCredentialsUnreadable</c>; <c>ArchiveAmbiguous</c>.</exception>
    private protected ArchiveAccess ArchiveAccess(ArchiveInput? piped = null)
    {
        var access = Settings.To(piped is not null ? piped.Archive : Archive is null || Archive.Contains("://", StringComparison.Ordinal) ? Archive : ResolvePath(Archive), Observer);
        if (piped is not null && Archive is not null)
        {
            string named = ArchiveLocation.Parse(Archive.Contains("://", StringComparison.Ordinal) ? Archive : ResolvePath(Archive)).Url;
            if (named != access.Location.Url)
            {
                throw new MigrationException("ArchiveAmbiguous", MigrationErrorKind.InvalidArgument, $"What was piped lies in {access.Location.Url}, and -Archive names {named}. Leave -Archive out.");
            }
        }
        else if (piped is null && Archive is null)
        {
            WriteVerboseLine($"The archive is {access.Location}, as the settings say.");
        }

        access = AsPiped(access, piped);
        if (!access.Location.IsS3)
        {
            return access;
        }

        access = access with
        {
            Endpoint = EndpointUrl is null ? access.Endpoint : Wal.ArchiveAccess.ParseEndpoint(EndpointUrl),
            PathStyle = MyInvocation.BoundParameters.ContainsKey(nameof(PathStyle)) ? PathStyle.IsPresent : access.PathStyle,
            Region = Region ?? piped?.Access?.Region ?? piped?.Region ?? NamedRegion() ?? access.Region,
        };
        if (ProfileName is not null)
        {
            _ = Choose(withSession: false); // nothing else may be given
            return access.WithProfile(ProfileName, ProfileFile());
        }

        bool carried = piped is not null && (piped.Access is { HoldsCredentials: true } or { Profile: not null } or { Session: not null } || piped.ProfileName is not null);
        return Choose(withSession: !carried) switch
        {
            { Keys: { } keys } => access.WithKeys(keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken),
            { Session: { } session } => access.WithSession(session),
            _ => ProfileLocation is null ? access : access with { ProfileFile = ProfileFile() },
        };
    }

    // a live object brings all that reached it, and only what decrypts it may be given anew; a bag brings what it can
    private static ArchiveAccess AsPiped(ArchiveAccess own, ArchiveInput? piped) => piped switch
    {
        null => own,
        { Access: { } known } => known with { Encryption = own.Encryption ?? known.Encryption },
        { ProfileName: { } profile } => Described(own, piped).WithProfile(profile),
        _ => Described(own, piped),
    };

    private static ArchiveAccess Described(ArchiveAccess own, ArchiveInput piped) => own with
    {
        Endpoint = piped.EndpointUrl is { } endpoint ? Wal.ArchiveAccess.ParseEndpoint(endpoint) : piped.KnowsEndpoint ? null : own.Endpoint,
        PathStyle = piped.PathStyle ?? own.PathStyle,
        Region = piped.Region ?? own.Region,
    };

    private Dictionary<string, string> Given()
    {
        var given = new Dictionary<string, string>();
        Add("WALG_LIBSODIUM_KEY_PATH", LibsodiumKeyPath is null ? null : ResolvePath(LibsodiumKeyPath));
        Add("WALG_LIBSODIUM_KEY_TRANSFORM", LibsodiumKeyTransform);
        Add("WALG_PGP_KEY_PATH", PgpKeyPath is null ? null : ResolvePath(PgpKeyPath));
        Add("WALG_PGP_KEY_PASSPHRASE", PgpPassphrase is null ? null : new NetworkCredential(string.Empty, PgpPassphrase).Password);
        return given;

        void Add(string name, string? value)
        {
            if (value is { Length: > 0 })
            {
                given[name] = value;
            }
        }
    }
}
