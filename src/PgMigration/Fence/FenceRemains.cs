using Npgsql;

namespace PgMigration;

/// <summary>What of a fence's record is still there. Owners need no right to drop what they own, and what is gone must not keep the rest fenced.</summary>
internal static class FenceRemains
{
    private const string Sql = """
        select r.number, r.name from unnest(@numbers, @kinds, @names, @columns, @grantors, @grantees) r(number, kind, name, col, grantor, grantee)
        where case r.kind when 'SCHEMA' then to_regnamespace(r.name) is not null
                          when 'DATABASE' then true
                          when 'ROUTINE' then to_regprocedure(r.name) is not null
                          when 'LARGE OBJECT' then exists (select from pg_largeobject_metadata l where l.oid::text = r.name)
                          else to_regclass(r.name) is not null end
          and (r.col is null or exists (select from pg_attribute a where a.attrelid = to_regclass(r.name) and quote_ident(a.attname) = r.col and not a.attisdropped))
          and to_regrole(r.grantor) is not null and (r.grantee is null or to_regrole(r.grantee) is not null)
        """;

    /// <summary>The record without objects, columns and roles that do not exist any more.</summary>
    public static async Task<FenceRecord> ReadAsync(NpgsqlConnection session, FenceRecord record, CancellationToken cancel)
    {
        var asked = record.Grants.SelectMany((grant, number) => grant.Objects.Select(name => (Grant: grant, Number: number, Name: name))).ToList();
        var there = (await session.RowsAsync(Sql, row => (row.GetInt32(0), row.GetString(1)), cancel,
            new NpgsqlParameter<int[]>("numbers", [.. asked.Select(each => each.Number)]),
            Texts("kinds", each => each.Grant.Kind), Texts("names", each => each.Name), Texts("columns", each => each.Grant.Column),
            Texts("grantors", each => each.Grant.Grantor), Texts("grantees", each => each.Grant.Grantee))).ToHashSet();
        return record with
        {
            Grants = [.. record.Grants
                .Select((grant, number) => grant with { Objects = [.. grant.Objects.Where(name => there.Contains((number, name)))] })
                .Where(grant => grant.Objects.Count > 0)],
        };

        NpgsqlParameter Texts(string parameter, Func<(FencedGrant Grant, int Number, string Name), string?> pick) =>
            new NpgsqlParameter<string?[]>(parameter, [.. asked.Select(pick)]);
    }

    /// <summary>Warns of what could not be given back.</summary>
    public static void Tell(FenceRecord record, FenceRecord lifted, IMigrationObserver observer)
    {
        var gone = record.Grants.SelectMany(grant => grant.Objects).Except(lifted.Grants.SelectMany(grant => grant.Objects)).ToList();
        if (gone.Count > 0)
        {
            observer.Warning($"Gone since the fence was raised, so no right on it was given back: {string.Join(", ", gone)}. Where it was renamed, grant them anew.");
        }
    }
}
