namespace PgMigration;

/// <summary>Whether the target already has what hangs on objects: the same comments, grants and ties as the source.</summary>
internal sealed class SatelliteRules(IReadOnlyDictionary<int, SchemaEntry> entries, SchemaSource source, SchemaTarget target)
{
    /// <summary>Whether it is there; null when the entry is nothing of the kind, or nobody can tell.</summary>
    public bool? Holds(SchemaEntry entry) => entry.Type switch
    {
        "COMMENT" => OfObject(entry, SchemaState.Comment),
        "ACL" => OfObject(entry, SchemaState.Grant),
        "SEQUENCE OWNED BY" => OfTag(entry, SchemaState.OwnedBy),
        "TABLE ATTACH" or "INDEX ATTACH" => OfTag(entry, SchemaState.Attached),
        "ROW SECURITY" => OfTag(entry, SchemaState.RowSecurity),
        "SECURITY LABEL" => false,
        _ => null,
    };

    /// <summary>Whether a view, which pg_dump makes empty first, says what it says on the source.</summary>
    public bool IsSameView(SchemaEntry entry)
    {
        var view = entry.DependsOn.Where(entries.ContainsKey).Select(id => entries[id]).FirstOrDefault(needed => needed.Type == "VIEW" && needed.Schema == entry.Schema && entry.Tag.StartsWith(needed.Tag, StringComparison.Ordinal));
        return view is not null && source.Identity.TryGetValue((view.ClassId, view.Oid), out string? name) && IsSame(SchemaState.ViewText, view.ClassId, name);
    }

    private bool? OfObject(SchemaEntry entry, string kind)
    {
        var main = entry.DependsOn.Where(entries.ContainsKey).Select(id => entries[id]).FirstOrDefault(needed => needed.ClassId != 0);
        return main is not null && source.Identity.TryGetValue((main.ClassId, main.Oid), out string? name) ? IsSame(kind, main.ClassId, name) : false;
    }

    private bool OfTag(SchemaEntry entry, string kind) => source.QuotedTag.TryGetValue(entry.Id, out string? name) && IsSame(kind, Catalogs.Relations, name);

    private bool IsSame(string kind, uint classId, string name)
    {
        var wanted = source.States[(kind, classId, name)].Where(state => state.Role is null or "PUBLIC" || target.RoleOf.ContainsKey(state.Role)).ToHashSet();
        return target.Objects.Contains((classId, name)) && wanted.SetEquals(target.States[(kind, classId, name)]);
    }
}
