namespace PgMigration.Wal;

/// <summary>Finds how the credentials of a profile are made; roles lead from profile to profile.</summary>
internal sealed class ProfileSearch(AwsProfiles profiles, string? file)
{
    private readonly List<string> _way = [];

    /// <summary>How they are made; null when there is no such profile.</summary>
    /// <param name="name">The profile.</param>
    /// <param name="isOptional">Whether one without any credentials counts as missing: a default profile may hold no more than a region.</param>
    /// <exception cref="MigrationException"><c>AwsProfileInvalid</c>, <c>AwsMfaRequired</c>, <c>ProfileNotFound</c>.</exception>
    public AwsCredentialSource? Find(string name, bool isOptional = false)
    {
        if (profiles.Find(name) is not { } keys)
        {
            return null;
        }

        bool isSourceOfItself = _way.Contains(name);
        string? Value(string key) => AwsProfiles.Of(keys, key);
        if (Value("role_arn") is { } role && !isSourceOfItself)
        {
            return Role(name, role, Value, keys);
        }

        if (Value("sso_session") is not null || Value("sso_account_id") is not null)
        {
            return SignIn(name, Value, keys);
        }

        if (Value("aws_access_key_id") is { } id && Value("aws_secret_access_key") is { } secret)
        {
            return new KeySource(id, secret, Value("aws_session_token")) { Profile = name, ProfileFile = file ?? profiles.CredentialsFile };
        }

        if (Value("credential_process") is { } command)
        {
            return new ProcessSource(command) { Profile = name };
        }

        return Value("login_session") is not null
            ? throw AwsCredentialErrors.Unusable(name, $"is of 'aws login', which is not supported. Run 'aws configure export-credentials --profile {name}' and give its keys with -AccessKey, -SecretKey and -SessionToken.")
            : isOptional ? null
            : throw AwsCredentialErrors.Unusable(name, isSourceOfItself
                ? $"is a source of itself ({string.Join(" → ", _way.Append(name))}) and holds no keys. Name another source_profile."
                : "holds no credentials. Expected aws_access_key_id and aws_secret_access_key, role_arn, sso_session, or credential_process.");
    }

    private AwsCredentialSource Role(string name, string role, Func<string, string?> value, IReadOnlyDictionary<string, string> keys)
    {
        string? region = value("region") ?? AwsCredentialSearch.EnvironmentRegion;
        int? seconds = AwsCredentialSearch.Seconds(name, value("duration_seconds"));
        var endpoint = AwsServices.EndpointOf("sts", profiles, keys);
        if (value("web_identity_token_file") is { } token)
        {
            return new WebIdentitySource
            {
                Profile = name, RoleArn = role, TokenFile = Path.GetFullPath(token), SessionName = value("role_session_name"), Seconds = seconds, Region = region, Endpoint = endpoint,
            };
        }

        if (value("mfa_serial") is { } device)
        {
            throw new MigrationException("AwsMfaRequired", MigrationErrorKind.NotSupported,
                $"The AWS profile '{name}' assumes {role} with a code of the device {device}, which nobody can type for a link of days. Use a profile without mfa_serial, or give the keys that 'aws configure export-credentials --profile {name}' prints with -AccessKey, -SecretKey and -SessionToken.");
        }

        _way.Add(name);
        var source = value("source_profile") is { } next ? Find(next) ?? throw AwsCredentialErrors.NotFound(next, profiles, name)
            : value("credential_source") is { } kind ? Named(name, kind)
            : Find(name)!; // keys, a program or a sign-on in the same profile
        _way.RemoveAt(_way.Count - 1);
        return new RoleSource
        {
            Profile = name, RoleArn = role, Source = source, SessionName = value("role_session_name"), ExternalId = value("external_id"), Seconds = seconds, Region = region, Endpoint = endpoint,
        };
    }

    private static AwsCredentialSource Named(string profile, string kind) => kind switch
    {
        "Environment" => AwsProfiles.Variable("AWS_ACCESS_KEY_ID") is { } id && AwsProfiles.Variable("AWS_SECRET_ACCESS_KEY") is { } secret
            ? new KeySource(id, secret, AwsProfiles.Variable("AWS_SESSION_TOKEN"))
            : throw AwsCredentialErrors.Unusable(profile, "has credential_source = Environment, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set. Set them, or name a source_profile."),
        "Ec2InstanceMetadata" => InstanceSource.OfEnvironment(),
        "EcsContainer" => ContainerSource.OfEnvironment()
            ?? throw AwsCredentialErrors.Unusable(profile, "has credential_source = EcsContainer, but neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set: this is not a container with a role."),
        _ => throw AwsCredentialErrors.Unusable(profile, $"has credential_source = '{kind}'. Expected Environment, Ec2InstanceMetadata or EcsContainer."),
    };

    private SignInSource SignIn(string name, Func<string, string?> value, IReadOnlyDictionary<string, string> keys)
    {
        string? session = value("sso_session");
        var shared = session is null ? null : profiles.SignIn(session)
            ?? throw AwsCredentialErrors.Unusable(name, $"names the sso_session '{session}', which {profiles.ConfigFile} does not hold. Expected a section [sso-session {session}] there; 'aws configure sso' makes it.");
        string Needed(string key) => (shared is null ? null : AwsProfiles.Of(shared, key)) ?? value(key)
            ?? throw AwsCredentialErrors.Unusable(name, $"has no {key}, which single sign-on needs. Run 'aws configure sso --profile {name}'.");
        return new SignInSource
        {
            Profile = name, AccountId = Needed("sso_account_id"), RoleName = Needed("sso_role_name"), StartUrl = Needed("sso_start_url"), Region = Needed("sso_region"), Session = session,
            Folder = AwsProfiles.SignInFolder, Endpoint = AwsServices.EndpointOf("sso", profiles, keys), TokenEndpoint = AwsServices.EndpointOf("sso_oidc", profiles, keys),
        };
    }
}
