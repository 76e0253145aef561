using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>The questions to DMS and to the target that the steps of a cutover by DMS share. Each "no" is a sentence with the next step.</summary>
internal static class DmsProof
{
    /// <summary>The link, as one of DMS.</summary>
    public static DmsLink LinkOf(CutoverContext context) => (DmsLink)context.Link;

    /// <summary>The tasks with their tables, all of which are loaded and follow.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>.</exception>
    public static async Task<DmsTaskReport[]> FollowingAsync(CutoverContext context, CancellationToken cancel)
    {
        var tasks = await DmsReplication.ReportAsync(LinkOf(context), cancel);
        if (tasks.FirstOrDefault(task => !task.IsFollowing) is { } other)
        {
            string[] open = [.. other.Tables.Where(table => !table.IsCompleted).Select(table => $"{table.Table} ({table.State})")];
            throw Preconditions.Closed(other.Detail ?? $"Task {other.Task} is {other.State}: {(open.Length == 0 ? other.Status : string.Join(", ", open.Take(5)))}. Wait with Wait-ReplicationLag.");
        }

        // Our own row changes with every beat: whether it arrives is asked otherwise.
        if (tasks.SelectMany(task => task.Tables).FirstOrDefault(table => table.MismatchedRows > 0 && !IsOurs(table.Table)) is { } mismatched)
        {
            throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                $"DMS's own comparison found {mismatched.MismatchedRows:N0} rows of {mismatched.Table} that differ ({mismatched.Validation}). See awsdms_validation_failures_v1 on the target; mend them or load the table anew."));
        }

        return tasks;
    }

    /// <summary>Makes sure that nothing was skipped: no row that could not be applied, no table that was given up, since the tasks began.</summary>
    /// <exception cref="MigrationException"><c>DmsSkippedRows</c>.</exception>
    public static async Task<string> NothingSkippedAsync(CutoverContext context, NpgsqlConnection target, CancellationToken cancel)
    {
        var tables = await target.RowsAsync("""
            select format('%I.%I', n.nspname, c.relname), c.relname like '%suspended%' from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind = 'r' and c.relname in ('awsdms_apply_exceptions', 'awsdms_suspended_tables')
            """, row => (Name: row.GetString(0), IsSuspended: row.GetBoolean(1)), cancel);
        foreach (var (name, isSuspended) in tables)
        {
            // DMS writes its columns in capitals, and not everywhere in quotes.
            var found = await target.RowsAsync($"""
                select format('%s.%s', r.row->>'table_owner', r.row->>'table_name'), coalesce(r.row->>'error', r.row->>'suspend_reason', '') from (
                    select (select jsonb_object_agg(lower(key), value) from jsonb_each_text(to_jsonb(t)) e(key, value)) as row from {name} t) r
                where r.row->>'task_name' is null or r.row->>'task_name' = any (@tasks) limit 3
                """, row => (Table: row.GetString(0), Why: row.GetString(1)), cancel, new NpgsqlParameter<string[]>("tasks", [.. LinkOf(context).TaskNames, .. LinkOf(context).TaskArns]));
            if (found is [var first, ..])
            {
                throw new MigrationException("DmsSkippedRows", MigrationErrorKind.InvalidData,
                    $"{name} on the target says that {(isSuspended ? $"{first.Table} was given up" : $"a row of {first.Table} could not be applied and was skipped")}{(first.Why.Length > 0 ? $": {Redaction.Of(first.Why)}" : string.Empty)}. Mend the cause, load the table anew, and empty {name}.");
            }
        }

        return tables.Count == 0 ? "no control table says that rows were skipped" : "no row skipped, no table given up";
    }

    /// <summary>The app's tables among a task's.</summary>
    public static string[] MovedTables(IEnumerable<DmsTaskReport> tasks) =>
        [.. tasks.SelectMany(task => task.Tables).Select(table => table.Table).Where(name => !IsOurs(name)).Distinct()];

    private static bool IsOurs(string table) => table.StartsWith($"{MarkTable.Schema}.", StringComparison.Ordinal);
}
