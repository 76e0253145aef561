namespace PgMigration;

/// <summary>When a step has its turn, and beside which others.</summary>
internal enum SchemaStage
{
    /// <summary>One after the other, in the dump's order.</summary>
    Before,

    /// <summary>Indexes: side by side, several on one table too.</summary>
    Indexes,

    /// <summary>Unique and exclusion constraints, and whatever locks its table for itself: one at a time for each table.</summary>
    Constraints,

    /// <summary>One after the other, in the dump's order.</summary>
    After,

    /// <summary>What is declared at once, one after the other, and then checked against the rows: one at a time for each table.</summary>
    Checks,

    /// <summary>One after the other.</summary>
    Final,
}
