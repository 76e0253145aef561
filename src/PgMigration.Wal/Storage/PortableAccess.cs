namespace PgMigration.Wal;

/// <summary>Takes along what a process of another user could not look up: this user's environment and home are closed to it.</summary>
internal static class PortableAccess
{
    /// <summary>The access with region, endpoint, and keys or the way to a role filled in.</summary>
    public static ArchiveAccess Of(ArchiveAccess access, IMigrationObserver observer)
    {
        if (!access.Location.IsS3)
        {
            return access;
        }

        access = S3Client.Resolve(access);
        if (access.Session is { } session)
        {
            var keys = session();
            return WarnOf(access.WithKeys(keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken), "of the session", observer);
        }

        if (access.HasKeys)
        {
            return access; // given for this purpose
        }

        var source = access.Identity.Found();
        if (source is KeySource { SessionToken: null } lasting)
        {
            return access.WithKeys(lasting.AccessKeyId, lasting.SecretAccessKey);
        }

        if (source is KeySource { SessionToken: not null } temporary)
        {
            var portable = access.WithKeys(temporary.AccessKeyId, temporary.SecretAccessKey, temporary.SessionToken);
            if (temporary.Profile is null)
            {
                return WarnOf(portable, "in the environment", observer);
            }

            // They are replaced now and then. Where the server's user may read the file, the new ones are read from it.
            observer.Warning($"The keys of the profile '{temporary.Profile}' are temporary. The server that follows {access.Location} reads {temporary.ProfileFile} again when it changes: its own user must be able to read that file; otherwise run this command again whenever there are new keys.");
            return portable with { Profile = temporary.Profile, ProfileFile = temporary.ProfileFile };
        }

        if (!source.Lasts)
        {
            observer.Warning($"The server that follows {access.Location} makes its credentials from {source}, which are assumed with temporary keys: it stops seeing new WAL when those expire. Use keys that last, or an instance role.");
        }

        return access with { Source = source, Profile = null, ProfileFile = null };
    }

    /// <summary>The access with the keys of now.</summary>
    public static async Task<(ArchiveAccess Access, DateTime? Ends)> WithKeysOfNowAsync(ArchiveAccess access)
    {
        var credentials = access.Identity.Credentials();
        var keys = await credentials.GetCredentialsAsync();
        return (S3Client.Resolve(access).WithKeys(keys.AccessKey, keys.SecretKey, keys.Token), credentials.Expiration is { Year: < 9000 } ends ? ends : null);
    }

    private static ArchiveAccess WarnOf(ArchiveAccess portable, string where, IMigrationObserver observer)
    {
        if (portable.SessionToken is not null)
        {
            observer.Warning($"The keys {where} are temporary: the server that follows {portable.Location} stops seeing new WAL when they expire. Use keys that last, or an instance role.");
        }

        return portable;
    }
}
