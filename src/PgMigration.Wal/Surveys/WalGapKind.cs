namespace PgMigration.Wal;

/// <summary>What is missing where a gap is.</summary>
public enum WalGapKind
{
    /// <summary>Segments that the archive does not hold.</summary>
    Missing,

    /// <summary>Segments whose objects are empty, of a codec that is not supported, or, where they are not compressed, of a wrong length.</summary>
    Damaged,

    /// <summary>
    /// Objects in a storage class from which S3 gives nothing until they are restored there: GLACIER, DEEP_ARCHIVE, an archive tier of INTELLIGENT_TIERING.
    /// </summary>
    Archived,

    /// <summary>The history of a timeline of which there are segments: without it no server finds the way there.</summary>
    History,
}
