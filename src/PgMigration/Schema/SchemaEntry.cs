namespace PgMigration;

/// <summary>One entry of a dump's contents: an object, or something that hangs on one (a comment, a grant, an ATTACH).</summary>
/// <param name="Id">Its number in the dump.</param>
/// <param name="ClassId">The catalog that holds the object on the source; 0 where the entry is none of its own.</param>
/// <param name="Oid">Its row there.</param>
/// <param name="Type">The kind, in pg_dump's words.</param>
/// <param name="Schema">Its schema; <c>-</c> for none.</param>
/// <param name="Tag">Its name for people.</param>
/// <param name="Owner">The role that owns it; empty for none.</param>
/// <param name="DependsOn">The numbers of the entries that must be there first.</param>
/// <param name="Sql">What makes it.</param>
internal sealed record SchemaEntry(int Id, uint ClassId, uint Oid, string Type, string Schema, string Tag, string Owner, IReadOnlyList<int> DependsOn, string Sql)
{
    /// <summary>The same, followed by what gives it to its owner.</summary>
    public string SqlWithOwner { get; init; } = Sql;

    /// <summary>Whether it is of before the data in pg_dump's own order.</summary>
    public required bool IsPreData { get; init; }
}
