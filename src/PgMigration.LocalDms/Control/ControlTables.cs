using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>What a task keeps on its target: DMS's control tables, and two of our own that say how far the task is.</summary>
/// <remarks>
/// How far it is must be committed together with what was done, or a kill between the two loses or doubles rows; replication origins, which
/// would do the same, are denied to ordinary logins. Columns of DMS's tables: the AWS DMS user guide, "Control table task settings".
/// </remarks>
/// <param name="schema">The schema for them.</param>
/// <param name="task">The task's identifier, which people read.</param>
/// <param name="key">The task's own key, which no other task has had.</param>
/// <param name="settings">Which of them are kept.</param>
internal sealed class ControlTables(string schema, string task, string key, TaskSettings settings)
{
    // any number, but the same for all tasks: CREATE … IF NOT EXISTS fails where two sessions do it at once
    private const long CreationLock = 7_364_021_908_117;

    private readonly string _progress = $"{Sql.Name(schema)}.awsdms_local_progress";
    private readonly string _tables = $"{Sql.Name(schema)}.awsdms_local_tables";

    /// <summary>The table of rows that could not be applied.</summary>
    public string ApplyExceptions => $"{Sql.Name(schema)}.awsdms_apply_exceptions";

    /// <summary>The table of rows that differ.</summary>
    public string ValidationFailures => $"{Sql.Name(schema)}.awsdms_validation_failures_v1";

    private string SuspendedTables => $"{Sql.Name(schema)}.awsdms_suspended_tables";

    private string Status => $"{Sql.Name(schema)}.awsdms_status";

    /// <summary>The statement that notes a position; its parameter is the position's text.</summary>
    public string ProgressStatement => $"UPDATE {_progress} SET lsn = $1::text::pg_lsn, applied_at = clock_timestamp() WHERE task = {Sql.Literal(key)}";

    /// <summary>Makes those that are not there.</summary>
    public async Task EnsureAsync(NpgsqlConnection target, CancellationToken cancel)
    {
        await using var transaction = await target.BeginTransactionAsync(cancel);
        await target.RunAsync("SELECT pg_advisory_xact_lock($1)", cancel, CreationLock);
        if (!await target.AskAsync<bool>("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", cancel, schema))
        {
            await target.RunAsync($"CREATE SCHEMA {Sql.Name(schema)}", cancel);
        }

        await target.RunAsync($"""
            CREATE TABLE IF NOT EXISTS {_progress} (task text PRIMARY KEY, lsn pg_lsn NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
            CREATE TABLE IF NOT EXISTS {_tables} (task text, table_schema text, table_name text, part int, snapshot_lsn pg_lsn, row_count bigint, suspended text,
                PRIMARY KEY (task, table_schema, table_name, part));
            CREATE TABLE IF NOT EXISTS {ApplyExceptions} ("TASK_NAME" varchar(128) NOT NULL, "TABLE_OWNER" varchar(128) NOT NULL, "TABLE_NAME" varchar(128) NOT NULL,
                "ERROR_TIME" timestamp NOT NULL, "STATEMENT" text NOT NULL, "ERROR" text NOT NULL)
            """, cancel);
        if (settings.KeepsSuspendedTables)
        {
            await target.RunAsync($"""
                CREATE TABLE IF NOT EXISTS {SuspendedTables} ("SERVER_NAME" varchar(128) NOT NULL, "TASK_NAME" varchar(128) NOT NULL, "TABLE_OWNER" varchar(128) NOT NULL,
                    "TABLE_NAME" varchar(128) NOT NULL, "SUSPEND_REASON" varchar(32) NOT NULL, "SUSPEND_TIMESTAMP" timestamp NOT NULL)
                """, cancel);
        }

        if (settings.KeepsStatus)
        {
            await target.RunAsync($"""
                CREATE TABLE IF NOT EXISTS {Status} ("SERVER_NAME" varchar(128) NOT NULL, "TASK_NAME" varchar(128) NOT NULL PRIMARY KEY, "TASK_STATUS" varchar(32) NOT NULL,
                    "STATUS_TIME" timestamp NOT NULL, "PENDING_CHANGES" bigint NOT NULL, "DISK_SWAP_SIZE" bigint NOT NULL, "TASK_MEMORY" bigint NOT NULL,
                    "SOURCE_CURRENT_POSITION" varchar(128), "SOURCE_CURRENT_TIMESTAMP" timestamp, "SOURCE_TAIL_POSITION" varchar(128), "SOURCE_TAIL_TIMESTAMP" timestamp,
                    "SOURCE_TIMESTAMP_APPLIED" timestamp)
                """, cancel);
        }

        if (settings.Validates)
        {
            await target.RunAsync($"""
                CREATE TABLE IF NOT EXISTS {ValidationFailures} ("TASK_NAME" varchar(128) NOT NULL, "TABLE_OWNER" varchar(128) NOT NULL, "TABLE_NAME" varchar(128) NOT NULL,
                    "FAILURE_TIME" timestamp NOT NULL, "KEY_TYPE" varchar(128) NOT NULL, "KEY" text NOT NULL, "FAILURE_TYPE" varchar(128) NOT NULL, "DETAILS" text NOT NULL)
                """, cancel);
        }

        await transaction.CommitAsync(cancel);
    }

    /// <summary>How far the task is; null before its first run.</summary>
    public async Task<Lsn?> ReadProgressAsync(NpgsqlConnection target, CancellationToken cancel) =>
        await target.AskAsync<string>($"SELECT lsn::text FROM {_progress} WHERE task = $1", cancel, key) is { } lsn ? Lsn.Parse(lsn) : null;

    /// <summary>Begins anew at this position: no table is loaded yet.</summary>
    public async Task BeginAsync(NpgsqlConnection target, Lsn lsn, CancellationToken cancel)
    {
        await using var transaction = await target.BeginTransactionAsync(cancel);
        await target.RunAsync($"DELETE FROM {_tables} WHERE task = $1", cancel, key);
        await target.RunAsync($"INSERT INTO {_progress} (task, lsn) VALUES ($1, $2::text::pg_lsn) ON CONFLICT (task) DO UPDATE SET lsn = excluded.lsn, applied_at = clock_timestamp()", cancel, key, lsn.ToString());
        await transaction.CommitAsync(cancel);
    }

    /// <summary>Notes in the load's own transaction that a part of a table is loaded.</summary>
    public Task RecordPartAsync(NpgsqlConnection target, TableName table, int part, Lsn snapshot, long rows, CancellationToken cancel) =>
        target.RunAsync($"INSERT INTO {_tables} VALUES ($1, $2, $3, $4, $5::text::pg_lsn, $6)", cancel, key, table.Schema, table.Table, part, snapshot.ToString(), rows);

    /// <summary>The parts that are loaded, and the tables that are given up (part -1).</summary>
    public Task<List<LoadedPart>> ReadPartsAsync(NpgsqlConnection target, CancellationToken cancel) =>
        target.ReadAsync($"SELECT table_schema, table_name, part, coalesce(snapshot_lsn, '0/0')::text, coalesce(row_count, 0), suspended FROM {_tables} WHERE task = $1",
            row => new LoadedPart(new(row.GetString(0), row.GetString(1)), row.GetInt32(2), Lsn.Parse(row.GetString(3)), row.GetInt64(4), row.IsDBNull(5) ? null : row.GetString(5)), cancel, key);

    /// <summary>Notes, in the caller's transaction, that nothing more is moved for a table.</summary>
    public async Task SuspendAsync(NpgsqlConnection target, TableName table, string reason, CancellationToken cancel)
    {
        await target.RunAsync($"INSERT INTO {_tables} VALUES ($1, $2, $3, -1, NULL, NULL, $4) ON CONFLICT (task, table_schema, table_name, part) DO UPDATE SET suspended = excluded.suspended",
            cancel, key, table.Schema, table.Table, reason);
        if (settings.KeepsSuspendedTables)
        {
            await target.RunAsync($"INSERT INTO {SuspendedTables} VALUES ('localhost.localdomain', $1, $2, $3, 'TABLE_ERROR', now())", cancel, task, table.Schema, table.Table);
        }
    }

    /// <summary>Forgets that tables were loaded or given up, so that they are loaded anew.</summary>
    public Task ForgetAsync(NpgsqlConnection target, TableName table, CancellationToken cancel) =>
        target.RunAsync($"DELETE FROM {_tables} WHERE task = $1 AND table_schema = $2 AND table_name = $3", cancel, key, table.Schema, table.Table);

    /// <summary>Writes a row that could not be applied, in the caller's transaction.</summary>
    public Task WriteExceptionAsync(NpgsqlConnection target, TableName table, string statement, string error, CancellationToken cancel) =>
        target.RunAsync($"INSERT INTO {ApplyExceptions} VALUES ($1, $2, $3, now(), $4, $5)", cancel, task, table.Schema, table.Table, statement, error);

    /// <summary>Writes the task's row of awsdms_status, where it is kept.</summary>
    public async Task WriteStatusAsync(NpgsqlConnection target, string state, Lsn applied, CancellationToken cancel)
    {
        if (settings.KeepsStatus)
        {
            await target.RunAsync($"""
                INSERT INTO {Status} VALUES ('localhost.localdomain', $1, $2, now(), 0, 0, 0, $3, now(), $3, now(), now())
                ON CONFLICT ("TASK_NAME") DO UPDATE SET "TASK_STATUS" = excluded."TASK_STATUS", "STATUS_TIME" = excluded."STATUS_TIME",
                    "SOURCE_CURRENT_POSITION" = excluded."SOURCE_CURRENT_POSITION", "SOURCE_TIMESTAMP_APPLIED" = excluded."SOURCE_TIMESTAMP_APPLIED"
                """, cancel, task, state, applied.ToString());
        }
    }

    /// <summary>Removes what says how far the task is. DMS leaves its own control tables behind, and so do we.</summary>
    public async Task ForgetTaskAsync(NpgsqlConnection target, CancellationToken cancel)
    {
        foreach (string table in (string[])[_tables, _progress])
        {
            if (await target.AskAsync<bool>("SELECT to_regclass($1) IS NOT NULL", cancel, table))
            {
                await target.RunAsync($"DELETE FROM {table} WHERE task = $1", cancel, key);
            }
        }
    }
}
