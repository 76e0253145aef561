using Npgsql;

namespace PgMigration;

/// <summary>Prepared transactions: COMMIT PREPARED is a write that neither a right nor a read-only default refuses.</summary>
internal static class PreparedTransactions
{
    /// <summary>Each in a sentence with what to do; empty when there is none.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(NpgsqlConnection source, CancellationToken cancel) =>
        await source.RowsAsync("""
            select format('Transaction %L is prepared since %s by %s. Decide it: COMMIT PREPARED %L or ROLLBACK PREPARED %L', gid, prepared::timestamptz(0), owner, gid, gid)
            from pg_prepared_xacts where database = current_database() order by prepared
            """, row => row.GetString(0), cancel);

    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>, naming the oldest.</exception>
    public static async Task CheckAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        if (await FindAsync(source, cancel) is [var oldest, ..])
        {
            throw Preconditions.Closed(oldest);
        }
    }
}
