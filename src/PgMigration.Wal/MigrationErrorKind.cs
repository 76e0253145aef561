namespace PgMigration;

/// <summary>The kinds of trouble that callers tell apart; each maps to one category of PowerShell errors.</summary>
public enum MigrationErrorKind
{
    /// <summary>A value that the caller gave is wrong.</summary>
    InvalidArgument,

    /// <summary>Something that was asked for is not there.</summary>
    NotFound,

    /// <summary>A server, a bucket or a network path cannot be reached.</summary>
    Connection,

    /// <summary>The login lacks a right.</summary>
    PermissionDenied,

    /// <summary>Data is not what it must be: truncated, altered, of another cluster.</summary>
    InvalidData,

    /// <summary>The thing exists, but its state forbids the step.</summary>
    InvalidOperation,

    /// <summary>A time limit passed.</summary>
    Timeout,

    /// <summary>Disk, memory, connections or another resource is used up.</summary>
    ResourceUnavailable,

    /// <summary>The platform cannot do it: restoring, for one, needs Linux.</summary>
    NotSupported,
}
