using Amazon.Runtime.CredentialManagement;

namespace PgMigration.Wal;

/// <summary>The profiles of the AWS configuration files, as AWS programs find them: named by parameters or the environment, else in the user's home.</summary>
internal sealed class AwsProfiles
{
    private readonly AwsConfigFile _credentials;
    private readonly AwsConfigFile _config;
    private readonly bool _isDefaultPlace;

    private AwsProfiles(string credentialsFile, string configFile, bool isDefaultPlace)
    {
        CredentialsFile = credentialsFile;
        ConfigFile = configFile;
        _isDefaultPlace = isDefaultPlace;
        _credentials = AwsConfigFile.Read(credentialsFile);
        _config = AwsConfigFile.Read(configFile);
    }

    /// <summary>The file of keys, absolute; it need not exist.</summary>
    public string CredentialsFile { get; }

    /// <summary>The file of settings, absolute; it need not exist.</summary>
    public string ConfigFile { get; }

    /// <summary>The folder in which <c>aws sso login</c> keeps its tokens.</summary>
    public static string SignInFolder => Path.Combine(Home, ".aws", "sso", "cache");

    /// <summary>The profile that AWS programs use when none is named: AWS_PROFILE, or <c>default</c>.</summary>
    public static string DefaultName => Variable("AWS_PROFILE") ?? Variable("AWS_DEFAULT_PROFILE") ?? "default";

    private static string Home => Variable("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    /// <summary>Reads the files.</summary>
    /// <param name="profileFile">The file of keys, when it is named; settings are then in <c>config</c> beside it, unless AWS_CONFIG_FILE names them.</param>
    /// <exception cref="UnauthorizedAccessException">A file is closed to this user.</exception>
    public static AwsProfiles Read(string? profileFile)
    {
        string credentials = Path.GetFullPath(profileFile ?? Variable("AWS_SHARED_CREDENTIALS_FILE") ?? Path.Combine(Home, ".aws", "credentials"));
        string config = Path.GetFullPath(Variable("AWS_CONFIG_FILE") ?? (profileFile is null ? Path.Combine(Home, ".aws", "config") : Path.Combine(Path.GetDirectoryName(credentials)!, "config")));
        return new AwsProfiles(credentials, config, profileFile is null);
    }

    /// <summary>An environment variable; null when it is empty.</summary>
    public static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>The keys of a profile from both files; those of the credentials file go first. Null when there is no such profile.</summary>
    public IReadOnlyDictionary<string, string>? Find(string name)
    {
        if (_isDefaultPlace && OfWindows(name) is { } kept)
        {
            return kept;
        }

        IReadOnlyDictionary<string, string>?[] parts = [_config["profile " + name], name == "default" ? _config[name] : null, _credentials["profile " + name], _credentials[name]];
        if (Array.TrueForAll(parts, part => part is null))
        {
            return null;
        }

        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in parts.OfType<IReadOnlyDictionary<string, string>>().SelectMany(part => part))
        {
            found[key] = value;
        }

        return found;
    }

    /// <summary>The keys of an <c>[sso-session]</c>; null when there is none.</summary>
    public IReadOnlyDictionary<string, string>? SignIn(string name) => _config["sso-session " + name] ?? _credentials["sso-session " + name];

    /// <summary>The endpoint that a profile names for a service, such as <c>sts</c>; null for none.</summary>
    public string? EndpointOf(IReadOnlyDictionary<string, string>? profile, string service)
    {
        if (profile is null || Of(profile, "ignore_configured_endpoint_urls") == "true")
        {
            return null;
        }

        var services = Of(profile, "services") is { } named ? _config["services " + named] ?? _credentials["services " + named] : null;
        return (services is null ? null : Of(services, service + ".endpoint_url")) ?? Of(profile, "endpoint_url");
    }

    /// <summary>A value; null when it is missing or empty.</summary>
    public static string? Of(IReadOnlyDictionary<string, string> keys, string name) => keys.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;

    // On Windows AWS.Tools keeps profiles encrypted in a file of its own; elsewhere in ~/.aws/credentials.
    private static Dictionary<string, string>? OfWindows(string name)
    {
        if (!OperatingSystem.IsWindows() || !new NetSDKCredentialsFile().TryGetProfile(name, out var found))
        {
            return null;
        }

        var options = found.Options;
        (string Key, string? Value)[] pairs =
        [
            ("aws_access_key_id", options.AccessKey), ("aws_secret_access_key", options.SecretKey), ("aws_session_token", options.Token), ("role_arn", options.RoleArn),
            ("source_profile", options.SourceProfile), ("external_id", options.ExternalID), ("mfa_serial", options.MfaSerial), ("region", found.Region?.SystemName),
        ];
        return pairs.Where(pair => !string.IsNullOrEmpty(pair.Value)).ToDictionary(pair => pair.Key, pair => pair.Value!, StringComparer.Ordinal);
    }
}
