namespace PgMigration;

/// <summary>The catalogs by their numbers, which are the same in every version.</summary>
/// <remarks>Source: the CATALOG lines of PostgreSQL's src/include/catalog/*.h.</remarks>
internal static class Catalogs
{
    public const uint Relations = 1259;
    public const uint Functions = 1255;
    public const uint Constraints = 2606;
    public const uint Triggers = 2620;
}
