using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>What of endpoints that somebody else made puts other rows on the target than the source has.</summary>
internal static partial class DmsEndpointSettings
{
    // What fires for an ordinary session. Those of a partitioned table are on its partitions too.
    private const string FiringSql = """
        select format('trigger %I of %I.%I', g.tgname, n.nspname, c.relname) from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
        where not g.tgisinternal and g.tgenabled = 'O' and format('%s.%s', n.nspname, c.relname) = any (@tables)
        union all
        select format('foreign key %I of %I.%I', k.conname, n.nspname, c.relname) from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
        where k.contype = 'f' and format('%s.%s', n.nspname, c.relname) = any (@tables)
        """;

    private const string BooleansSql = """
        select exists (select from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace where a.atttypid = 'bool'::regtype and not a.attisdropped and format('%s.%s', n.nspname, c.relname) = any (@tables))
        """;

    private const string RoleSql = """
        select exists (select from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole cross join lateral unnest(s.setconfig) c
            where (s.setrole = 0 or r.rolname = @login) and (s.setdatabase = 0 or s.setdatabase = (select oid from pg_database where datname = current_database())) and c = 'session_replication_role=replica')
        """;

    /// <summary>What the proof at the cutover cannot stand on, in words; empty when all is well.</summary>
    /// <param name="from">The source's endpoint.</param>
    /// <param name="to">The target's.</param>
    /// <param name="target">A session on the target.</param>
    /// <param name="tables">The moved tables, as <c>schema.table</c>.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<IReadOnlyList<string>> FindWeaknessesAsync(Endpoint from, Endpoint to, NpgsqlConnection target, string[] tables, CancellationToken cancel)
    {
        var found = new List<string>();
        if (!IsReplica(to) && !await target.ScalarAsync<bool>(RoleSql, cancel, new NpgsqlParameter<string?>("login", to.Username)))
        {
            var firing = await target.RowsAsync(FiringSql, row => row.GetString(0), cancel, new NpgsqlParameter<string[]>("tables", tables));
            if (firing.Count > 0)
            {
                found.Add(string.Create(CultureInfo.InvariantCulture, $"the target's endpoint {to.EndpointIdentifier} sets no session_replication_role = replica (AfterConnectScript), so {firing.Count} triggers and foreign keys of the target fire for rows that DMS brings, and what they write is there twice: {string.Join(", ", firing.Take(3))}{(firing.Count > 3 ? ", …" : string.Empty)}"));
            }
        }

        if (MapsBooleans(from) != MapsBooleans(to) && await target.ScalarAsync<bool>(BooleansSql, cancel, new NpgsqlParameter<string[]>("tables", tables)))
        {
            found.Add($"MapBooleanAsBoolean is set on the {(MapsBooleans(from) ? "source's" : "target's")} endpoint alone, and both must agree");
        }

        return found;
    }

    private static bool IsReplica(Endpoint endpoint) => ReplicaRole().IsMatch($"{endpoint.PostgreSQLSettings?.AfterConnectScript} {endpoint.ExtraConnectionAttributes}");

    private static bool MapsBooleans(Endpoint endpoint) => endpoint.PostgreSQLSettings?.MapBooleanAsBoolean ?? MappedBooleans().IsMatch(endpoint.ExtraConnectionAttributes ?? string.Empty);

    [GeneratedRegex(@"\bset\s+(?:session\s+)?session_replication_role\s*(?:=|\bto\b)\s*'?replica\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ReplicaRole();

    [GeneratedRegex(@"\bMapBooleanAsBoolean\s*=\s*(?:true|1|y)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex MappedBooleans();
}
