namespace PgMigration;

/// <summary>The part of a schema that is copied, by the moment at which it may be there.</summary>
public enum SchemaSection
{
    /// <summary>
    /// What rows need to arrive: schemas, types, functions, tables, defaults, sequences, views, and the primary keys by which changes find their row.
    /// Columns and checks that would refuse a row whose large value has yet to come are left open.
    /// </summary>
    PreData,

    /// <summary>What is made once the rows are there: secondary indexes, unique and foreign keys, what was left open, triggers, rules, contents of materialized views.</summary>
    PostData,

    /// <summary>What would refuse or alter rows that are still copied: identity columns GENERATED ALWAYS, triggers that also fire for replication. An instant's work.</summary>
    Final,

    /// <summary>Everything, in that order.</summary>
    All,
}
