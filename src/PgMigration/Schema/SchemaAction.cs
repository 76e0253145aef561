namespace PgMigration;

/// <summary>What copying a schema does, or under -WhatIf would do, for one object.</summary>
public enum SchemaAction
{
    /// <summary>Nothing: the target has it.</summary>
    None,

    /// <summary>It is made.</summary>
    Create,

    /// <summary>It is there and now checked against the rows (a foreign key), or filled (a materialized view).</summary>
    Complete,

    /// <summary>It was left out on purpose; the reason says why.</summary>
    Skip,

    /// <summary>It is not there although it should be; the reason says why. The others go on.</summary>
    Failed,
}
