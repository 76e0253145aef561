using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>Which failures pass by themselves, which concern a row or a table, and which end the task.</summary>
internal static class Trouble
{
    /// <summary>
    /// Whether trying again later may help: the connection is gone, the server restarts, is full, or is read-only for the moment. The driver
    /// reports a broken replication stream in many ways, so whatever is not the server's word on a statement counts.
    /// </summary>
    public static bool IsPassing(Exception error) => error switch
    {
        TaskFailure => false,
        PostgresException refused => IsPassing(refused.SqlState),
        _ => true,
    };

    /// <summary>Whether it says that a table, as a whole, cannot be written: it is not there, lacks a column, or the login a right.</summary>
    public static bool ConcernsTable(PostgresException error) => error.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn
        or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.WrongObjectType or PostgresErrorCodes.InvalidSchemaName;

    /// <summary>Whether a value could not be stored: class 22.</summary>
    public static bool ConcernsValue(PostgresException error) => error.SqlState.StartsWith("22", StringComparison.Ordinal);

    // classes: 08 connection, 40 rollback, 53 resources, 57 intervention, 58 system; SQLSTATE 55006 object in use, 55P03 lock not available, 25006 read-only
    private static bool IsPassing(string state) =>
        state[..2] is "08" or "40" or "53" or "57" or "58" || state is PostgresErrorCodes.ObjectInUse or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.ReadOnlySqlTransaction;
}
