namespace PgMigration.LocalDms;

/// <summary>What is done with a table of the target before it is loaded. A table that is not there is made in any case.</summary>
internal enum TablePreparation
{
    /// <summary>DO_NOTHING.</summary>
    DoNothing,

    /// <summary>TRUNCATE_BEFORE_LOAD.</summary>
    Truncate,

    /// <summary>DROP_AND_CREATE: columns and the primary key, and nothing else.</summary>
    DropAndCreate,
}
