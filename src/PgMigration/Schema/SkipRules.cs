namespace PgMigration;

/// <summary>What is left out, and why: what belongs to the old server, and what a target without a superuser refuses.</summary>
internal sealed class SkipRules(IReadOnlyDictionary<int, SchemaEntry> entries, SchemaSource source, SchemaTarget target)
{
    private static readonly HashSet<string> SuperuserTypes = new(StringComparer.Ordinal)
    {
        "ACCESS METHOD", "OPERATOR CLASS", "OPERATOR FAMILY", "FOREIGN DATA WRAPPER", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "SHELL TYPE", "TRANSFORM",
    };

    private static readonly HashSet<string> Replication = new(StringComparer.Ordinal) { "PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA", "SUBSCRIPTION", "SUBSCRIPTION TABLE" };

    // What means nothing without the object that it is said of.
    private static readonly HashSet<string> Satellites = new(StringComparer.Ordinal) { "ACL", "COMMENT", "SECURITY LABEL", "SEQUENCE OWNED BY" };

    private readonly Dictionary<int, (SchemaAction Action, string Reason)?> _decided = [];

    /// <summary>Whether an entry hangs on an object and is none itself.</summary>
    public static bool IsSatellite(SchemaEntry entry) => Satellites.Contains(entry.Type);

    /// <summary>Whether an entry is of a publication that DMS, or the local one, has for its work: nobody would miss it.</summary>
    public static bool IsDmsPublication(SchemaEntry entry) => IsOfDms(entry) && Replication.Contains(entry.Type);

    /// <summary>Why an entry is not made; null when it is. Whatever needs a left out one fails, and what hangs on it is left out too.</summary>
    public (SchemaAction Action, string Reason)? For(SchemaEntry entry)
    {
        if (_decided.TryGetValue(entry.Id, out var decided))
        {
            return decided;
        }

        _decided[entry.Id] = null; // a circle of dependencies ends here
        return _decided[entry.Id] = Own(entry) is { } own ? (SchemaAction.Skip, own) : FromDependencies(entry);
    }

    private (SchemaAction, string)? FromDependencies(SchemaEntry entry)
    {
        foreach (var needed in entry.DependsOn.Where(entries.ContainsKey).Select(id => entries[id]))
        {
            if (For(needed) is { } missing)
            {
                return (IsSatellite(entry) || IsReplication(needed) ? SchemaAction.Skip : SchemaAction.Failed, $"needs {needed.Type} {needed.Tag}: {missing.Reason}");
            }
        }

        return null;
    }

    private static bool IsReplication(SchemaEntry entry) => Replication.Contains(entry.Type) || IsOfDms(entry);

    private static bool IsOfDms(SchemaEntry entry) => entry.Tag.StartsWith("awsdms_", StringComparison.Ordinal);

    private string? Own(SchemaEntry entry)
    {
        if (IsReplication(entry))
        {
            return IsOfDms(entry) ? "is DMS's own, for its work on the source" : "belongs to the replication of the source";
        }

        bool isThere = source.Identity.TryGetValue((entry.ClassId, entry.Oid), out string? name) && target.Objects.Contains((entry.ClassId, name));
        return entry.Type switch
        {
            _ when isThere || target.IsSuperuser => entry.Type == "EXTENSION" && !isThere ? Extension(entry) : null,
            "EXTENSION" => Extension(entry),
            "EVENT TRIGGER" => target.IsServiceAdmin ? null : $"the target's login may not make event triggers: run it there as an administrator",
            "COMMENT" when IsExtensionsComment(entry) => "an extension is commented on by its owner alone",
            var type when SuperuserTypes.Contains(type) => $"only a superuser of the target may make it",
            _ when entry.ClassId == Catalogs.Functions && source.UntrustedFunctions.TryGetValue(entry.Oid, out string? kind) => $"only a superuser of the target may make {kind}",
            _ => null,
        };
    }

    private bool IsExtensionsComment(SchemaEntry entry) => entry.DependsOn.Any(id => entries.TryGetValue(id, out var needed) && needed.Type == "EXTENSION");

    private string? Extension(SchemaEntry entry) => target.OfferedExtensions.TryGetValue(entry.Tag, out bool isTrusted)
        ? isTrusted || target.IsSuperuser || target.IsServiceAdmin ? null : "only a superuser of the target may make it: have an administrator run CREATE EXTENSION there first"
        : "the target does not offer this extension";
}
