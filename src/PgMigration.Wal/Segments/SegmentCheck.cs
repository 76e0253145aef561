using System.Globalization;

namespace PgMigration.Wal;

/// <summary>What a segment must satisfy before PostgreSQL may see it.</summary>
/// <param name="SystemIdentifier">The cluster's system identifier, from pg_control.</param>
/// <param name="SegmentSize">The cluster's segment size in bytes, from pg_control.</param>
/// <param name="MajorVersion">The cluster's major version; a version that is not known here passes with any plausible page.</param>
public sealed record SegmentCheck(ulong SystemIdentifier, int SegmentSize, int MajorVersion)
{
    // Of PostgreSQL 9.0. All later ones are larger.
    private const ushort OldestMagic = 0xD064;

    /// <summary>Compares the first page's header with what the name says.</summary>
    /// <param name="objectName">The object, for the error's text.</param>
    /// <param name="name">The segment's name.</param>
    /// <param name="firstPage">The first bytes of the segment, at least <see cref="WalPageHeader.Size"/>.</param>
    /// <param name="history">The history of the name's timeline; null while unknown: then any older timeline passes.</param>
    /// <exception cref="MigrationException"><c>SegmentDamaged</c> or <c>SegmentForeign</c>, naming the object and what differs.</exception>
    public void VerifyHeader(string objectName, WalSegmentName name, ReadOnlySpan<byte> firstPage, TimelineHistory? history = null)
    {
        if (firstPage.Length < WalPageHeader.Size)
        {
            throw Truncated(objectName, firstPage.Length);
        }

        var header = WalPageHeader.Read(firstPage);
        if (WalPageMagic.Of(MajorVersion) is { } magic ? header.Magic != magic : header.Magic < OldestMagic)
        {
            string? writer = WalPageMagic.MajorVersion(header.Magic) is { } version ? $"PostgreSQL {version} wrote it" : "it is no WAL, or encrypted";
            throw Damaged(objectName, Text($"its first page begins with {header.Magic:X4} instead of {WalPageMagic.Of(MajorVersion):X4} of PostgreSQL {MajorVersion}: {writer}"));
        }

        if (!header.IsLong)
        {
            throw Damaged(objectName, "its first page lacks the long header of a segment's beginning");
        }

        if (header.SystemIdentifier != SystemIdentifier)
        {
            throw new MigrationException("SegmentForeign", MigrationErrorKind.InvalidData,
                Text($"'{objectName}' was written by another cluster: its system identifier is {header.SystemIdentifier}, and {SystemIdentifier} was expected. Two servers archive to one place, or the archive's address is that of another one."));
        }

        if (header.SegmentSize != SegmentSize)
        {
            throw Damaged(objectName, Text($"its header names a segment size of {header.SegmentSize} bytes instead of {SegmentSize}"));
        }

        if (header.Address != name.Start(SegmentSize))
        {
            throw Damaged(objectName, $"its first page is that of {header.Address}, and the name stands for {name.Start(SegmentSize)}");
        }

        // The first segment after a promotion carries the old timeline on its first pages.
        bool timelineFits = header.Timeline == name.Timeline
            || (history is null ? header.Timeline > 0 && header.Timeline < name.Timeline : history.Timeline == name.Timeline && history.Includes(header.Timeline));
        if (!timelineFits)
        {
            throw Damaged(objectName, Text($"its first page is of timeline {header.Timeline}, which is neither {name.Timeline} nor an ancestor of it"));
        }
    }

    /// <summary>Compares the length.</summary>
    /// <exception cref="MigrationException"><c>SegmentTruncated</c>.</exception>
    public void VerifyLength(string objectName, long length)
    {
        if (length != SegmentSize)
        {
            throw Truncated(objectName, length);
        }
    }

    private static MigrationException Damaged(string objectName, string why) => new("SegmentDamaged", MigrationErrorKind.InvalidData,
        $"'{objectName}' is not the segment that its name says: {why}. Get it anew from whatever archived it.");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private MigrationException Truncated(string objectName, long length) => new("SegmentTruncated", MigrationErrorKind.InvalidData,
        Text($"'{objectName}' is truncated or too long: it holds {length} bytes, and {SegmentSize} were expected. Get it anew from whatever archived it."));
}
