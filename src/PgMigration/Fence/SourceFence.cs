using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>
/// What makes a database refuse the app's writes, and proves that it does: rights revoked, read-only defaults set, sessions from before
/// ended, transactions from before waited out. All of it lives in the catalog, so it holds when we die, and travels to a physical target.
/// </summary>
/// <remarks>
/// No table is locked and nobody waits for us: a transaction that had a table locked when its right was revoked may write once more, and
/// is ended or waited out before the mark is set, so that whatever it commits lies before the mark. What each layer is for, and how it
/// fails alone, is in docs/cutover.md.
/// </remarks>
public static class SourceFence
{
    /// <summary>Reads what a fence will change. Nothing is changed yet, so that the record can be journalled before it is.</summary>
    /// <param name="session">Our session there.</param>
    /// <param name="cancel">Ends it.</param>
    /// <param name="spared">Roles whose sessions a link still needs: they begin read-write, and no right of theirs is given back.</param>
    public static async Task<FenceRecord> ReadAsync(NpgsqlConnection session, CancellationToken cancel = default, params string[] spared)
    {
        var grants = (await WriteRights.ReadAsync(session, spared.Length > 0, cancel)).Where(right => right.Ours).Select(right => right.Grant).ToList();
        var settings = await session.RowsAsync("""
            select t.role, (select split_part(c, '=', 2) from pg_db_role_setting s cross join lateral unnest(s.setconfig) c
                            where s.setdatabase = d.oid and s.setrole = t.setrole and c like 'default\_transaction\_read\_only=%'),
                   exists (select from pg_roles p where p.oid = t.setrole and p.rolname = any (@spared))
            from pg_database d
            cross join lateral (select null::text as role, 0::oid as setrole where pg_has_role(d.datdba, 'USAGE')
                                union all select quote_ident(rolname), oid from pg_roles where rolname = current_user
                                union all select quote_ident(rolname), oid from pg_roles where rolname = any (@spared) and rolname <> current_user
                                union all select quote_ident(r.rolname), r.oid from pg_roles r, pg_roles me
                                where me.rolname = current_user and r.rolname <> current_user and r.rolname <> all (@spared)
                                  and (me.rolsuper or me.rolcreaterole and not r.rolsuper
                                       and (current_setting('server_version_num')::int < 160000 or pg_has_role(me.oid, r.oid, 'USAGE WITH ADMIN OPTION')))
                                  and exists (select from pg_db_role_setting o cross join lateral unnest(o.setconfig) c
                                              where o.setrole = r.oid and o.setdatabase in (0, d.oid) and c like 'default\_transaction\_read\_only=%')) t
            where d.datname = current_database()
            """, row => new FencedSetting(row.TextOrNull(0), row.TextOrNull(1), row.GetBoolean(2) ? "off" : "on"), cancel, new NpgsqlParameter<string[]>("spared", spared));
        return new FenceRecord(await session.ScalarAsync<string>("select quote_ident(current_database())", cancel), grants, settings);
    }

    /// <summary>Takes the rights away and sets the read-only defaults, in one transaction; safe to repeat.</summary>
    public static Task RaiseAsync(NpgsqlConnection session, FenceRecord record, CancellationToken cancel = default) =>
        CommitAsync(session, FenceStatements.Raise(record), cancel);

    /// <summary>Gives back what the fence took, on the source or on a target that inherited it; safe to repeat.</summary>
    /// <returns>What was given back: the record without what is no longer there, such as a table that its owner dropped meanwhile.</returns>
    public static async Task<FenceRecord> LiftAsync(NpgsqlConnection session, FenceRecord record, CancellationToken cancel = default)
    {
        while (true)
        {
            try
            {
                await CommitAsync(session, FenceStatements.Lift(record), cancel);
                return record;
            }
            catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn
                or PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.InvalidSchemaName)
            {
                var left = await FenceRemains.ReadAsync(session, record, cancel);
                if (left.Grants.Sum(grant => grant.Objects.Count) == record.Grants.Sum(grant => grant.Objects.Count))
                {
                    throw;
                }

                record = left;
            }
        }
    }

    /// <summary>Proves that every right of the record is there.</summary>
    /// <exception cref="MigrationException"><c>FenceNotLiftable</c>, naming what is missing.</exception>
    public static async Task ProveLiftedAsync(NpgsqlConnection session, FenceRecord record, CancellationToken cancel = default)
    {
        var there = (await WriteRights.ReadAsync(session, sparesDms: false, cancel)).SelectMany(right => Each(right.Grant)).ToHashSet();
        if (record.Grants.SelectMany(Each).FirstOrDefault(right => !there.Contains(right)) is { } lost)
        {
            throw new MigrationException("FenceNotLiftable", MigrationErrorKind.InvalidOperation, $"The fence is not lifted as it was found: '{lost}' is missing.");
        }

        static IEnumerable<string> Each(FencedGrant grant) => grant.Objects.Select(item => Describe(grant with { Objects = [item] }));
    }

    /// <summary>
    /// Raises the fence and lifts it again in a transaction that is rolled back: nobody notices, and what could not be revoked or given back
    /// is known while nothing has happened yet.
    /// </summary>
    /// <returns>On how many objects it revoked and gave back rights.</returns>
    /// <exception cref="MigrationException"><c>FenceNotLiftable</c>, with the right that stands in the way.</exception>
    public static async Task<int> TryAsync(NpgsqlConnection session, CancellationToken cancel = default, params string[] spared)
    {
        var record = await ReadAsync(session, cancel, spared);
        try
        {
            await session.ExecuteAsync(Script([.. FenceStatements.Raise(record)]), cancel);
            if (await WriteRights.FindLeftAsync(session, spared.Length > 0, cancel) is { } left)
            {
                throw Incomplete($"{Describe(left)} would be left behind the fence.");
            }

            await FenceCanary.TryAsync(session, record, cancel);
            await session.ExecuteAsync(string.Join(";\n", FenceStatements.Lift(record)), cancel);
            await ProveLiftedAsync(session, record, cancel);
            return record.Grants.Sum(grant => grant.Objects.Count);
        }
        catch (PostgresException error) when (!string.IsNullOrEmpty(error.Where) || error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            await session.ExecuteAsync("rollback", CancellationToken.None);
            if (await FenceObstacles.FindEventTriggerAsync(session, error.Where ?? string.Empty, cancel) is { } trigger)
            {
                throw new MigrationException("FenceNotLiftable", MigrationErrorKind.PermissionDenied,
                    $"Event trigger {trigger} fires at each right that the fence revokes and gives back, and then fails: {error.MessageText}. What it writes to is fenced as well. A superuser switches it off for the time of the cutover: ALTER EVENT TRIGGER {trigger} DISABLE", error);
            }

            if (error.SqlState != PostgresErrorCodes.InsufficientPrivilege)
            {
                throw;
            }

            throw new MigrationException("FenceNotLiftable", MigrationErrorKind.PermissionDenied,
                $"Tried in a transaction that was rolled back, the fence could not be raised and lifted again: {error.MessageText}. A role that granted rights on must still be able to (USAGE on the schema, its own grant option); mend that, or revoke what it granted.", error);
        }
        finally
        {
            await session.ExecuteAsync("rollback", CancellationToken.None);
        }
    }

    /// <summary>
    /// Proves that the raised fence holds: ends the sessions from before it, waits out transactions that this login cannot end, and then looks
    /// for a right that is left, a prepared transaction, and has a write refused in a new session.
    /// </summary>
    /// <exception cref="MigrationException"><c>FenceIncomplete</c>: who can still write, and the command for somebody who may end them.</exception>
    public static async Task<FenceProof> ProveAsync(FencedServer fenced, FenceRecord record, IMigrationObserver observer, CancellationToken cancel = default)
    {
        var ended = await SessionsFromBefore.EndAsync(fenced, cancel);
        if (ended.Count > 0)
        {
            // The app is paused: these came another way as a rule, and will come again.
            observer.Warning(string.Create(CultureInfo.InvariantCulture,
                $"{ended.Count} session(s) that were connected although the app is paused were ended: {string.Join("; ", ended.Take(10))}{(ended.Count > 10 ? "; …" : string.Empty)}. If they do not belong to the app that was paused, see that what they belong to goes to the new server too."));
        }

        // Only now that nothing new can be prepared. Their manager's sessions were ended too; it connects again and decides them.
        int decided = await PreparedTransactions.WaitForAllAsync(fenced.Session, fenced.Limit, cancel);

        // Before the rights are read: one that is granted behind our look is a change of the catalog since then.
        string snapshot = await CatalogChanges.SnapshotAsync(fenced.Session, cancel);
        string refused = await RefuseAsync(fenced, record, cancel);
        return new FenceProof(string.Create(CultureInfo.InvariantCulture, $"no right to write left, {ended.Count} sessions ended, {(decided > 0 ? $"{decided} prepared transactions decided, " : string.Empty)}{refused}"), snapshot);
    }

    /// <summary>Looks for a right that is left and for a prepared transaction, and has a write refused in a new session; ends nobody.</summary>
    /// <exception cref="MigrationException"><c>FenceIncomplete</c>: who can still write.</exception>
    internal static async Task<string> RefuseAsync(FencedServer fenced, FenceRecord record, CancellationToken cancel)
    {
        if (await WriteRights.FindLeftAsync(fenced.Session, fenced.Spared.Length > 0, cancel) is { } left)
        {
            throw Incomplete($"{Describe(left)}, still.");
        }

        await PreparedTransactions.RefuseAnyAsync(fenced.Session, cancel);
        return $"nothing prepared, {await FenceCanary.RefuseAsync(fenced, record, cancel)}";
    }

    private static async Task CommitAsync(NpgsqlConnection session, IEnumerable<string> statements, CancellationToken cancel)
    {
        string script = Script([.. statements, "commit"]);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await session.ExecuteAsync(script, cancel);
                return;
            }
            catch (PostgresException error) when (attempt < 5 && error.IsTransient || attempt < 5 && error.SqlState is "XX000" or PostgresErrorCodes.LockNotAvailable)
            {
                // Somebody changed the same catalog row (an ANALYZE, another GRANT): "tuple concurrently updated", and the next try passes.
                await session.ExecuteAsync("rollback", cancel);
            }
            catch (PostgresException)
            {
                await session.ExecuteAsync("rollback", CancellationToken.None);
                throw;
            }
        }
    }

    private static string Script(IEnumerable<string> statements) => string.Join(";\n", statements.Prepend("begin"));

    private static string Describe(FencedGrant grant) =>
        $"{grant.Grantee ?? "PUBLIC"} may {string.Join("/", grant.Privileges)} {grant.Kind.ToLowerInvariant()} {Shorten(grant.Objects)}{(grant.Column is null ? string.Empty : $" ({grant.Column})")} (granted by {grant.Grantor}{(grant.Grantable ? ", with grant option" : string.Empty)})";

    internal static string Shorten(IReadOnlyList<string> objects) =>
        objects.Count <= 3 ? string.Join(", ", objects) : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", objects.Take(3))} and {objects.Count - 3} more");

    internal static MigrationException Incomplete(string reason) => new("FenceIncomplete", MigrationErrorKind.PermissionDenied, reason);
}
