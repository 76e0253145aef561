namespace PgMigration.Wal;

/// <summary>What PostgreSQL had before of a segment's content as it is in the archive now.</summary>
internal enum HadContent
{
    /// <summary>It is another one than any that was offered.</summary>
    Never,

    /// <summary>It was offered as it is, but PostgreSQL does not keep it in pg_wal.</summary>
    WasOffered,

    /// <summary>It is PostgreSQL's own copy, byte by byte.</summary>
    InPgWal,
}
