namespace PgMigration;

/// <summary>Which legs of a migration are rehearsed.</summary>
public enum RehearsalLeg
{
    /// <summary>Both, one after the other, with the app going all the way.</summary>
    Both = 0,

    /// <summary>From a host without superuser to a server of one's own, by its archive.</summary>
    First = 1,

    /// <summary>From a server of one's own to Aurora or RDS, by DMS.</summary>
    Second = 2,
}
