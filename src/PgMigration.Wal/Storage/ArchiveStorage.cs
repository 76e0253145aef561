namespace PgMigration.Wal;

/// <summary>The door to an archive's objects.</summary>
public static class ArchiveStorage
{
    /// <summary>Opens an archive. Nothing is sent yet: an unreachable one is told by the first use.</summary>
    /// <param name="access">Where it lies and how it is reached.</param>
    /// <param name="limits">How long transfers may stall and are tried again; null for the usual limits.</param>
    /// <param name="observer">Is warned when something is tried again for longer than a moment; null for nobody.</param>
    /// <exception cref="MigrationException"><c>ProfileNotFound</c>, <c>RegionMissing</c>, <c>EncryptionKeyInvalid</c>, <c>LibsodiumMissing</c>.</exception>
    public static IArchiveStorage Open(ArchiveAccess access, TransferLimits? limits = null, IMigrationObserver? observer = null)
    {
        ArgumentNullException.ThrowIfNull(access);
        var encryption = ArchiveEncryption.Of(access);
        return access.Location.IsS3
            ? new S3Storage(access, limits ?? TransferLimits.Default, observer) { Encryption = encryption }
            : new FileStorage(access.Location) { Encryption = encryption };
    }

    /// <summary>Opens an archive by its address, as the environment says it is reached.</summary>
    /// <param name="location"><c>s3://bucket/prefix</c>, <c>file:///path</c> or an absolute path.</param>
    public static IArchiveStorage Open(string location) => Open(ArchiveAccess.To(location));

    internal static MigrationException NotFound(string url, string name, Exception? cause = null) => new("ArchiveObjectNotFound", MigrationErrorKind.NotFound,
        $"The archive {url} holds no object '{name}'.", cause);
}
