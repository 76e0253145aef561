using Npgsql;

namespace PgMigration;

/// <summary>One thing that belongs to tables beside their rows, or only reads them.</summary>
/// <param name="Kind">What it is, in a word or two.</param>
/// <param name="Name">Its quoted name, with its table's.</param>
/// <param name="IsUsable">Whether it is valid, enabled, filled.</param>
/// <param name="Table">The table that it belongs to, as <c>schema.table</c>; null for none.</param>
/// <param name="Facts">What the catalogs say of it in the same words in every major version; null for nothing.</param>
/// <param name="Text">Its definition as PostgreSQL writes it, which can read otherwise in another major version; null for none.</param>
internal readonly record struct PostDataItem(string Kind, string Name, bool IsUsable, string? Table, string? Facts, string? Text)
{
    public const string Column = "column";
    public const string Default = "default";
    public const string EnumType = "enum type";
    public const string Statistics = "statistics";

    // What other names come out with depends on these, and so do values within expressions. For one transaction, which a batch is.
    private const string Plainly = """
        select set_config('search_path', '', true), set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true), set_config('intervalstyle', 'postgres', true),
               set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true), set_config('quote_all_identifiers', 'off', true)
        """;

    /// <summary>Reads all of it.</summary>
    /// <param name="session">A session outside a transaction.</param>
    /// <param name="tables">The moved tables, as <c>schema.table</c>; the tables that they are partitions of count too.</param>
    /// <param name="withAllParents">Whether every partitioned table counts, as on a target whose partitions may not be attached.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<List<PostDataItem>> ReadAsync(NpgsqlConnection session, IEnumerable<string> tables, bool withAllParents, CancellationToken cancel)
    {
        var items = new List<PostDataItem>();
        await using var batch = new NpgsqlBatch(session)
        {
            BatchCommands = { new(SequenceQueries.PlanByHash), new(Plainly), new(PostDataQuery.Sql) { Parameters = { new() { Value = tables.ToArray() }, new() { Value = withAllParents } } } },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        await reader.NextResultAsync(cancel);
        await reader.NextResultAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            items.Add(new PostDataItem(reader.GetString(0), reader.GetString(1), reader.GetBoolean(2), reader.TextOrNull(3), reader.TextOrNull(4), reader.TextOrNull(5)));
        }

        return items;
    }
}
