namespace PgMigration;

/// <summary>A right to write that the fence takes away, and that lifting it gives back: one grantor, one grantee, the same rights on many objects.</summary>
/// <param name="Kind">The word that GRANT uses: TABLE, SEQUENCE, SCHEMA, DATABASE, LARGE OBJECT, ROUTINE.</param>
/// <param name="Objects">Their names, quoted and qualified as SQL wants them.</param>
/// <param name="Column">The column for a column's right, quoted; null for the whole object.</param>
/// <param name="Owner">Who owns them.</param>
/// <param name="Grantor">Who granted it; the owner, as a rule.</param>
/// <param name="Grantee">Who has it; null is everybody (PUBLIC).</param>
/// <param name="Privileges">INSERT, UPDATE, DELETE, TRUNCATE, USAGE, CREATE or EXECUTE.</param>
/// <param name="Grantable">Whether the grantee may pass it on.</param>
public sealed record FencedGrant(
    string Kind, IReadOnlyList<string> Objects, string? Column, string Owner, string Grantor, string? Grantee, IReadOnlyList<string> Privileges, bool Grantable);
