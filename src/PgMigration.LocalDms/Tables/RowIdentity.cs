namespace PgMigration.LocalDms;

/// <summary>What a source's log says of the old row of an update or a deletion.</summary>
internal enum RowIdentity
{
    /// <summary>Nothing: no key and no replica identity.</summary>
    None,

    /// <summary>The columns of the primary key or of the index that is the replica identity.</summary>
    Key,

    /// <summary>All columns: REPLICA IDENTITY FULL.</summary>
    All,
}
