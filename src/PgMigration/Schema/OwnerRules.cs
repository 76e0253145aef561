using System.Globalization;

namespace PgMigration;

/// <summary>Who owns what on the target: the same role where the login may give to it, else the login; and who is therefore named in a row of its own.</summary>
internal sealed class OwnerRules(SchemaTarget target, string login)
{
    private readonly SortedDictionary<string, (string Why, int Objects)> _kept = new(StringComparer.Ordinal);

    /// <summary>Whether the entry's owner can have it there; counts those that cannot.</summary>
    public bool CanGive(SchemaEntry entry)
    {
        if (entry.Owner.Length == 0 || entry.Owner == login || entry.SqlWithOwner == entry.Sql)
        {
            return false;
        }

        string? why = !target.RoleOf.TryGetValue(entry.Owner, out bool isMember) ? $"the target has no role {entry.Owner}. Make it before copying (CREATE ROLE …)"
            : !isMember ? $"{login} is no member of {entry.Owner} there. Run GRANT {entry.Owner} TO {login} before copying"
            : !target.IsSuperuser && target.Barred.Contains((entry.Owner, entry.Schema)) ? $"{entry.Owner} may not create in schema {entry.Schema} there. Run GRANT CREATE ON SCHEMA … before copying"
            : null;
        if (why is not null)
        {
            string key = $"{entry.Owner}: {why}";
            _kept[key] = (why, _kept.GetValueOrDefault(key).Objects + 1);
        }

        return why is null;
    }

    /// <summary>One row for each owner that something was kept from.</summary>
    public IEnumerable<SchemaRow> Rows() => _kept.Select(pair => new SchemaRow
    {
        Section = SchemaSection.PreData, Type = "OWNER", Name = pair.Key[..pair.Key.IndexOf(": ", StringComparison.Ordinal)], Action = SchemaAction.Skip,
        Reason = string.Create(CultureInfo.InvariantCulture, $"{pair.Value.Objects} objects of it belong to {login}, since {pair.Value.Why}, or change their owner afterwards (ALTER … OWNER TO)."),
    });
}
