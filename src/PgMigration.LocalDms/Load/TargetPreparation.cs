using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>Makes a target's tables ready for the load, with no more than DMS makes: columns and primary keys.</summary>
internal static class TargetPreparation
{
    /// <summary>Prepares one table.</summary>
    /// <param name="target">A session on the target.</param>
    /// <param name="table">The table as the source has it.</param>
    /// <param name="exists">Whether the target has it.</param>
    /// <param name="preparation">What the task says.</param>
    /// <param name="rules">What types become.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task PrepareAsync(NpgsqlConnection target, TableDefinition table, bool exists, TablePreparation preparation, ValueRules rules, CancellationToken cancel)
    {
        if (exists && preparation == TablePreparation.Truncate)
        {
            await target.RunAsync($"TRUNCATE TABLE ONLY {table.Name.Quoted}", cancel);
        }
        else if (!exists || preparation == TablePreparation.DropAndCreate)
        {
            await using var transaction = await target.BeginTransactionAsync(cancel);
            await target.RunAsync($"DROP TABLE IF EXISTS {table.Name.Quoted}", cancel);
            if (!await target.AskAsync<bool>("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", cancel, table.Name.Schema))
            {
                await target.RunAsync($"CREATE SCHEMA IF NOT EXISTS {Sql.Name(table.Name.Schema)}", cancel);
            }

            await target.RunAsync(await CreateStatementAsync(target, table, rules, cancel), cancel);
            await transaction.CommitAsync(cancel);
        }
    }

    private static async Task<string> CreateStatementAsync(NpgsqlConnection target, TableDefinition table, ValueRules rules, CancellationToken cancel)
    {
        var types = table.Columns.Select(rules.TypeToMake).ToArray();
        bool[] known = (await target.AskAsync<bool[]>("SELECT array_agg(to_regtype(name) IS NOT NULL ORDER BY place) FROM unnest($1::text[]) WITH ORDINALITY t(name, place)",
            cancel, (object)types.Select(WithoutModifier).ToArray())) ?? [];
        var columns = table.Columns.Select((column, i) => $"{Sql.Name(column.Name)} {(known[i] ? types[i] : "character varying")}");
        string key = table.PrimaryKey.Count == 0 ? string.Empty : $", PRIMARY KEY ({string.Join(", ", table.PrimaryKey.Select(Sql.Name))})";
        return $"CREATE TABLE {table.Name.Quoted} ({string.Join(", ", columns)}{key})";
    }

    // before PostgreSQL 16, to_regtype takes no length and precision
    private static string WithoutModifier(string type)
    {
        int open = type.IndexOf('(', StringComparison.Ordinal);
        int close = type.IndexOf(')', StringComparison.Ordinal);
        return open > 0 && close > open ? type[..open] + type[(close + 1)..] : type;
    }
}
