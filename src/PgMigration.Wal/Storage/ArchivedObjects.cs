using System.Collections.Concurrent;
using System.Globalization;
using Amazon.S3.Model;

namespace PgMigration.Wal;

/// <summary>Objects that lifecycle rules moved to a storage class from which S3 gives nothing until they are restored there.</summary>
/// <remarks>
/// GLACIER and DEEP_ARCHIVE show in a listing; the archive tiers of INTELLIGENT_TIERING only when the single object is looked at. GLACIER_IR is
/// readable at once. Source: "Restoring an archived object" and HeadObject (x-amz-restore, x-amz-archive-status) in the S3 documentation.
/// </remarks>
internal static class ArchivedObjects
{
    private const int LooksAtOnce = 32;
    private const string Intelligent = "INTELLIGENT_TIERING";

    /// <summary>What a listing tells of an object.</summary>
    public static ArchivedState Of(S3Object listed) => (listed.StorageClass?.Value, listed.RestoreStatus) switch
    {
        (Intelligent, _) => ArchivedState.Unknown,
        ("GLACIER" or "DEEP_ARCHIVE", null) => ArchivedState.Unknown, // the service may not report what is restored
        ("GLACIER" or "DEEP_ARCHIVE", { IsRestoreInProgress: true }) => ArchivedState.Restoring,
        ("GLACIER" or "DEEP_ARCHIVE", { RestoreExpiryDate: null }) => ArchivedState.Archived,
        _ => ArchivedState.Readable,
    };

    /// <summary>What a look at the single object tells.</summary>
    public static ArchivedState Of(GetObjectMetadataResponse found) =>
        found.StorageClass?.Value is not ("GLACIER" or "DEEP_ARCHIVE") && string.IsNullOrEmpty(found.ArchiveStatus?.Value) ? ArchivedState.Readable
        : found.RestoreInProgress == true ? ArchivedState.Restoring
        : found.RestoreExpiration is not null ? ArchivedState.Readable
        : ArchivedState.Archived;

    /// <summary>The class of an object that was looked at, with the archive tier of INTELLIGENT_TIERING.</summary>
    public static string? ClassOf(GetObjectMetadataResponse found) =>
        string.IsNullOrEmpty(found.ArchiveStatus?.Value) ? found.StorageClass?.Value : $"{found.StorageClass?.Value} ({found.ArchiveStatus.Value})";

    /// <summary>Looks at those objects of which a listing tells too little. Returns the ones that cannot be read, in the order of the list.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="listed">Objects as a listing shows them.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<IReadOnlyList<ArchiveObject>> UnreadableAsync(IArchiveStorage storage, IReadOnlyList<ArchiveObject> listed, CancellationToken cancel)
    {
        var looked = await LookAsync(storage, listed, cancel);
        return [.. listed.Select(stored => looked.GetValueOrDefault(stored.Name, stored)).Where(IsUnreadable)];
    }

    /// <summary>Looks at those objects of which a listing tells too little, and returns what each look told, by name.</summary>
    public static async Task<IReadOnlyDictionary<string, ArchiveObject>> LookAsync(IArchiveStorage storage, IEnumerable<ArchiveObject> listed, CancellationToken cancel)
    {
        var looked = new ConcurrentDictionary<string, ArchiveObject>(StringComparer.Ordinal);
        var options = new ParallelOptions { MaxDegreeOfParallelism = LooksAtOnce, CancellationToken = cancel };
        await Parallel.ForEachAsync(listed.Where(stored => stored.State == ArchivedState.Unknown), options, async (stored, token) =>
            looked[stored.Name] = await storage.FindAsync(stored.Name, token) ?? throw ArchiveStorage.NotFound(storage.Url, stored.Name));
        return looked;
    }

    /// <summary>Whether its class has tiers of which only some cannot be read.</summary>
    public static bool IsTiered(ArchiveObject stored) => stored.StorageClass?.StartsWith(Intelligent, StringComparison.Ordinal) == true;

    /// <summary>Whether it is known that an object cannot be read.</summary>
    public static bool IsUnreadable(ArchiveObject stored) => stored.State is ArchivedState.Archived or ArchivedState.Restoring;

    /// <summary>Refuses to begin when one of the objects cannot be read.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="listed">Objects as a listing shows them.</param>
    /// <param name="what">What they are, such as <c>the backup base_…</c>.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="MigrationException"><c>ArchiveObjectArchived</c>.</exception>
    public static async Task RequireReadableAsync(IArchiveStorage storage, IReadOnlyList<ArchiveObject> listed, string what, CancellationToken cancel)
    {
        if (await UnreadableAsync(storage, listed, cancel) is [var first, ..] unreadable)
        {
            string count = string.Create(CultureInfo.InvariantCulture, $"{unreadable.Count} of the {listed.Count} objects of {what}");
            throw Refusal($"{count} cannot be read. The first is", storage.Url, first, null);
        }
    }

    /// <summary>The error for one object.</summary>
    public static MigrationException Refusal(string lead, string url, ArchiveObject stored, Exception? cause) => new("ArchiveObjectArchived", MigrationErrorKind.InvalidOperation,
        $"{lead} {url}/{stored.Name}, in the storage class {stored.StorageClass}. {Remedy(url, stored)} Then run the same command again.", cause);

    /// <summary>What to do about such an object, in one or two sentences.</summary>
    /// <param name="url">The archive's address.</param>
    /// <param name="stored">The object.</param>
    public static string Remedy(string url, ArchiveObject stored)
    {
        if (stored.State == ArchivedState.Restoring)
        {
            return "S3 is restoring it: wait until that has ended (aws s3api head-object shows it as Restore).";
        }

        var location = ArchiveLocation.Parse(url);
        string key = location.Prefix.Length == 0 ? stored.Name : $"{location.Prefix}/{stored.Name}";

        // S3 refuses a number of days for INTELLIGENT_TIERING, where a restored object moves back for good
        string days = IsTiered(stored) ? string.Empty : "\"Days\":14,";
        return $"S3 must restore each such object first, which takes 3 to 12 hours: aws s3api restore-object --bucket {location.Bucket} --key '{key.Replace("'", "'\\''", StringComparison.Ordinal)}' "
            + $"--restore-request '{{{days}\"GlacierJobParameters\":{{\"Tier\":\"Standard\"}}}}'.";
    }
}
