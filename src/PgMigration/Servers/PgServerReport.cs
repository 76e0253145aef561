using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>What a server says about itself and about the login that asks.</summary>
public sealed record PgServerReport
{
    /// <summary>The server that was asked, to pipe onwards.</summary>
    public required PgServer Server { get; init; }

    /// <summary>Its version, such as <c>15.14</c>.</summary>
    public required string Version { get; init; }

    /// <summary>The login.</summary>
    public required string User { get; init; }

    /// <summary>Whether the login is a superuser.</summary>
    public required bool IsSuperuser { get; init; }

    /// <summary>Whether the login may stream WAL and create replication slots.</summary>
    public required bool MayReplicate { get; init; }

    /// <summary>Whether the database belongs to the login, or to a role that it is a member of.</summary>
    public required bool OwnsDatabase { get; init; }

    /// <summary>The roles that the login is a member of, directly or through others; <c>rds_superuser</c> is one.</summary>
    public required IReadOnlyList<string> Roles { get; init => field = value.ToArray(); }

    /// <summary>Whether a new transaction of this login is read-only: on a standby, behind a fence, or by the login's own settings.</summary>
    public required bool IsReadOnly { get; init; }

    /// <summary>Whether it replays another server's WAL.</summary>
    public required bool IsInRecovery { get; init; }

    /// <summary>The version and cipher of TLS on the connection, such as <c>TLSv1.3 TLS_AES_256_GCM_SHA384</c>; null without. Behind a pooler, the pooler's connection.</summary>
    public string? Tls { get; init; }

    /// <summary>The cluster's identifier, the same on a primary and its physical copies; null where the login may not ask.</summary>
    public ulong? SystemIdentifier { get; init; }

    /// <summary>The timeline it writes; on a standby that of the last restart point, which may be an older one for a while. Null where the login may not ask.</summary>
    public long? Timeline { get; init; }

    /// <summary>Where it writes, or on a standby up to where it has replayed; null where the login may not ask.</summary>
    public Lsn? Lsn { get; init; }

    /// <summary>How long connecting and logging in took.</summary>
    public required TimeSpan ConnectTime { get; init; }

    /// <summary>Asks a server.</summary>
    /// <param name="server">The server.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="MigrationException">As <see cref="PgServer.ConnectAsync(CancellationToken)"/>.</exception>
    public static async Task<PgServerReport> ReadAsync(PgServer server, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await using var connection = await server.ConnectAsync(cancel);
        var connectTime = clock.Elapsed;
        await using var command = new NpgsqlCommand(Query, connection);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        return new PgServerReport
        {
            Server = server,
            ConnectTime = connectTime,
            Version = (string)reader["version"],
            User = (string)reader["login"],
            IsSuperuser = (bool)reader["is_superuser"],
            MayReplicate = (bool)reader["may_replicate"],
            OwnsDatabase = (bool)reader["owns_database"],
            Roles = (string[])reader["roles"],
            IsReadOnly = (bool)reader["is_read_only"],
            IsInRecovery = (bool)reader["is_in_recovery"],
            Tls = reader["tls"] as string,
            SystemIdentifier = reader["system_identifier"] is long identifier ? unchecked((ulong)identifier) : null,
            Timeline = reader["timeline"] as long?,
            Lsn = reader["lsn"] is string lsn ? PgMigration.Lsn.Parse(lsn, CultureInfo.InvariantCulture) : null,
        };
    }

    // The timeline: pg_control_checkpoint() shows the former one for seconds after a promotion, so a primary is asked for its segment's name.
    private const string Query = """
        SELECT split_part(current_setting('server_version'), ' ', 1) AS version, session_user::text AS login, r.rolsuper AS is_superuser,
            r.rolsuper OR r.rolreplication AS may_replicate, pg_has_role(session_user, d.datdba, 'MEMBER') AS owns_database,
            ARRAY(SELECT rolname::text FROM pg_roles g WHERE NOT r.rolsuper AND g.rolname <> session_user AND pg_has_role(session_user, g.oid, 'MEMBER') ORDER BY 1) AS roles,
            current_setting('transaction_read_only')::boolean AS is_read_only, pg_is_in_recovery() AS is_in_recovery,
            (SELECT version || ' ' || cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls,
            CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') THEN (SELECT system_identifier FROM pg_control_system()) END AS system_identifier,
            CASE WHEN pg_is_in_recovery() THEN
                CASE WHEN has_function_privilege('pg_control_checkpoint()', 'EXECUTE') THEN (SELECT timeline_id::bigint FROM pg_control_checkpoint()) END
                ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END AS timeline,
            (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text AS lsn
        FROM pg_roles r, pg_database d WHERE r.rolname = session_user AND d.datname = current_database()
        """;
}
