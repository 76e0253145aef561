using System.Globalization;

namespace PgMigration.Wal;

/// <summary>Finds how credentials are made: by a profile that is named, else in the order in which AWS programs look.</summary>
internal static class AwsCredentialSearch
{
    /// <summary>How they are made. Nothing is sent.</summary>
    /// <param name="profile">A profile that is named; null for the usual order.</param>
    /// <param name="profileFile">The file that holds it; null for the usual ones.</param>
    /// <exception cref="MigrationException"><c>ProfileNotFound</c>, <c>ProfileUnreadable</c>, <c>AwsProfileInvalid</c>, <c>AwsSettingInvalid</c>, <c>AwsCredentialsMissing</c>.</exception>
    public static AwsCredentialSource Find(string? profile, string? profileFile) => profile is not null ? Profile(profile, profileFile) : OfEnvironment() ?? OfDefaultProfile(profileFile) ?? OfMachine();

    private static AwsCredentialSource Profile(string name, string? file)
    {
        var profiles = Read(name, file);
        return new ProfileSearch(profiles, file).Find(name) ?? throw AwsCredentialErrors.NotFound(name, profiles);
    }

    private static AwsProfiles Read(string name, string? file)
    {
        try
        {
            return AwsProfiles.Read(file);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new MigrationException("ProfileUnreadable", MigrationErrorKind.PermissionDenied,
                $"The AWS profile '{name}' cannot be read: {error.Message} Make the file readable for {Environment.UserName}, or name another with -ProfileLocation.", error);
        }
    }

    private static AwsCredentialSource? OfEnvironment()
    {
        if (AwsProfiles.Variable("AWS_ACCESS_KEY_ID") is { } id && AwsProfiles.Variable("AWS_SECRET_ACCESS_KEY") is { } secret)
        {
            return new KeySource(id, secret, AwsProfiles.Variable("AWS_SESSION_TOKEN"));
        }

        return AwsProfiles.Variable("AWS_WEB_IDENTITY_TOKEN_FILE") is not { } file || AwsProfiles.Variable("AWS_ROLE_ARN") is not { } role ? null : new WebIdentitySource
        {
            RoleArn = role, TokenFile = Path.GetFullPath(file), SessionName = AwsProfiles.Variable("AWS_ROLE_SESSION_NAME"), Region = EnvironmentRegion, Endpoint = AwsServices.EndpointOf("sts", null, null),
        };
    }

    private static AwsCredentialSource? OfDefaultProfile(string? file)
    {
        string name = AwsProfiles.DefaultName;
        if (name != "default")
        {
            return Profile(name, file); // somebody named it: one that is missing is an error
        }

        try
        {
            return new ProfileSearch(AwsProfiles.Read(file), file).Find(name, isOptional: true);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            return null;
        }
    }

    private static AwsCredentialSource OfMachine() => (AwsCredentialSource?)ContainerSource.OfEnvironment() ?? (IsInstanceAsked ? InstanceSource.OfEnvironment() with { IsLastResort = true }
        : throw AwsCredentialErrors.Missing("AWS_EC2_METADATA_DISABLED keeps an instance's role from being asked for"));

    private static bool IsInstanceAsked => !string.Equals(AwsProfiles.Variable("AWS_EC2_METADATA_DISABLED"), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>The region that the environment names; null for none.</summary>
    internal static string? EnvironmentRegion => AwsProfiles.Variable("AWS_REGION") ?? AwsProfiles.Variable("AWS_DEFAULT_REGION");

    /// <summary>A number of seconds in a profile; null when there is none.</summary>
    internal static int? Seconds(string profile, string? text) => text is null ? null : int.TryParse(text, CultureInfo.InvariantCulture, out int seconds) && seconds is >= 900 and <= 43200 ? seconds
        : throw AwsCredentialErrors.Unusable(profile, $"has duration_seconds = '{text}'. Expected a number from 900 to 43200.");
}
