namespace PgMigration.LocalDms;

/// <summary>What a task does about a row or a table that cannot be moved.</summary>
internal enum ErrorPolicy
{
    /// <summary>LOG_ERROR: the row is skipped and written to awsdms_apply_exceptions.</summary>
    LogError,

    /// <summary>IGNORE_RECORD: the row is skipped.</summary>
    IgnoreRecord,

    /// <summary>INSERT_RECORD: an update of a row that is not there inserts it.</summary>
    InsertRecord,

    /// <summary>UPDATE_RECORD: an insertion of a row that is there updates it.</summary>
    UpdateRecord,

    /// <summary>SUSPEND_TABLE: nothing more is moved for this table.</summary>
    SuspendTable,

    /// <summary>STOP_TASK: the task fails.</summary>
    StopTask,
}
