using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>What DMS installs on the source to hear of changes of tables: an audit table, and an event trigger that fills it. It stays there.</summary>
/// <remarks>The names are DMS's, as the AWS DMS user guide has them under "Using a PostgreSQL database as a source". Nobody here reads the table.</remarks>
internal static class DdlCapture
{
    /// <summary>Installs it, unless the endpoint says not to; a login that is no superuser may not, which is logged.</summary>
    public static async Task InstallAsync(TaskContext task, NpgsqlConnection source, CancellationToken cancel)
    {
        if (task.SourceSettings.Settings?.CaptureDdls == false || task.SourceSettings.IsAttributeFalse("captureDdls"))
        {
            return;
        }

        if (!await source.AskAsync<bool>("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", cancel))
        {
            task.Log("CaptureDdls is on, but the source's login is no superuser and may not make an event trigger: changes of tables are not heard of.");
            return;
        }

        string schema = Sql.Name(task.SourceSettings.Settings?.DdlArtifactsSchema is { Length: > 0 } given ? given : "public");
        await using var transaction = await source.BeginTransactionAsync(cancel);
        await source.RunAsync($"""
            CREATE TABLE IF NOT EXISTS {schema}.awsdms_ddl_audit (c_key bigserial PRIMARY KEY, c_time timestamp, c_user varchar(64), c_txn varchar(16), c_tag varchar(24),
                c_oid integer, c_name varchar(64), c_schema varchar(64), c_ddlqry text);
            CREATE OR REPLACE FUNCTION {schema}.awsdms_intercept_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
            BEGIN
                IF tg_tag IN ('CREATE TABLE', 'ALTER TABLE', 'DROP TABLE') THEN
                    INSERT INTO {schema}.awsdms_ddl_audit (c_time, c_user, c_txn, c_tag, c_ddlqry)
                    VALUES (now(), current_user, txid_current()::text, tg_tag, current_query());
                    DELETE FROM {schema}.awsdms_ddl_audit;
                END IF;
            END $body$;
            DROP EVENT TRIGGER IF EXISTS awsdms_intercept_ddl;
            CREATE EVENT TRIGGER awsdms_intercept_ddl ON ddl_command_end EXECUTE FUNCTION {schema}.awsdms_intercept_ddl()
            """, cancel);
        await transaction.CommitAsync(cancel);
    }
}
