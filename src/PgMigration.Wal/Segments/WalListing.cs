namespace PgMigration.Wal;

/// <summary>Finds the timelines of an archive, whose folder may hold other objects too.</summary>
internal static class WalListing
{
    /// <summary>The first timeline with an object after a name; null when there is none.</summary>
    /// <remarks>An object that is not WAL is passed over. A timeline that the name itself lies in is found again only if it has more objects.</remarks>
    /// <param name="storage">The archive.</param>
    /// <param name="after">A name with its folder.</param>
    /// <param name="cancel">Ends the search.</param>
    public static async Task<uint?> FirstTimelineAfterAsync(this IArchiveStorage storage, string after, CancellationToken cancel)
    {
        await foreach (var found in storage.ListAsync(SegmentStore.Folder, after, cancel))
        {
            if (WalObjectName.TimelineOf(found.Name) is { } timeline)
            {
                return timeline;
            }
        }

        return null;
    }
}
