namespace PgMigration.Faults;

/// <summary>What the tool is on the source: by it the last segment is switched away from, or filled.</summary>
internal enum BenchLogin
{
    /// <summary>The app's own login, as on a host that grants no more.</summary>
    Ordinary,

    /// <summary>The superuser.</summary>
    Superuser,
}
