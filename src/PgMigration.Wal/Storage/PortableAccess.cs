using Amazon.Runtime.CredentialManagement;

namespace PgMigration.Wal;

/// <summary>Takes along what a process of another user could not look up: this user's environment and home are closed to it.</summary>
internal static class PortableAccess
{
    /// <summary>The access with region and long-lived keys filled in from the profile or the environment.</summary>
    public static ArchiveAccess Of(ArchiveAccess access, IMigrationObserver observer)
    {
        if (!access.Location.IsS3)
        {
            return access;
        }

        access = access with { Region = access.Region ?? S3Client.KnownRegion(access) };
        if (access.HasKeys)
        {
            return access;
        }

        if (access.Profile is null && Variable("AWS_ACCESS_KEY_ID") is { } accessKey && Variable("AWS_SECRET_ACCESS_KEY") is { } secretKey)
        {
            string? token = Variable("AWS_SESSION_TOKEN");
            if (token is not null)
            {
                observer.Warning($"The keys in the environment are temporary: the server that follows {access.Location} stops seeing new WAL when they expire. Use keys that last, or an instance role.");
            }

            return access.WithKeys(accessKey, secretKey, token);
        }

        string name = access.Profile ?? Variable("AWS_PROFILE") ?? "default";
        if (!new CredentialProfileStoreChain(access.ProfileFile).TryGetProfile(name, out var profile))
        {
            return access; // no profile was asked for: an instance or container role, which every user of the machine has
        }

        if (profile.Options is { AccessKey.Length: > 0, SecretKey.Length: > 0, RoleArn: null })
        {
            var portable = access.WithKeys(profile.Options.AccessKey, profile.Options.SecretKey, profile.Options.Token);
            if (string.IsNullOrEmpty(profile.Options.Token))
            {
                return portable with { Profile = null, ProfileFile = null };
            }

            // Somebody replaces them now and then. Where the server's user may read the file, it is read again when they are refused.
            string file = Path.GetFullPath(access.ProfileFile ?? Variable("AWS_SHARED_CREDENTIALS_FILE") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".aws", "credentials"));
            observer.Warning($"The keys of the profile '{name}' are temporary. The server that follows {access.Location} reads {file} again when they are refused: its own user must be able to read that file; otherwise run this command again whenever there are new keys.");
            return portable with { Profile = name, ProfileFile = file };
        }

        observer.Warning($"The profile '{name}' gets temporary credentials (a role, single sign-on or a program), which the server's own user must be able to get too: make the profile known in that user's home, or use keys that last.");
        return access;
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
