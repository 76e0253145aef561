using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Transactions that are prepared and neither committed nor rolled back: a physical copy has them too, with their locks.</summary>
internal static class InheritedPreparedTransactions
{
    private const string Named = "SELECT gid, database::text, owner::text FROM pg_prepared_xacts ORDER BY prepared";

    // While it recovers, a server names none; those that outlast a checkpoint have a file each.
    private const string Files = "SELECT count(*) FROM pg_ls_dir('pg_twophase')";

    public static async Task<IReadOnlyList<ReadinessFinding>> FindAsync(NpgsqlConnection session, PgServer? source, CancellationToken cancel)
    {
        var named = await session.RowsAsync(Named, Read, cancel);
        if (named.Count == 0 && source is not null)
        {
            await using var asked = await source.ConnectAsync(cancel);
            named = await asked.RowsAsync(Named, Read, cancel);
        }

        if (named.Count > 0)
        {
            return named.ConvertAll(row => Finding(row.Database, $"'{row.Gid}' of {row.Owner}",
                $"-- in database {row.Database}, as {row.Owner}; whether to commit or to roll back, its transaction manager knows\nROLLBACK PREPARED '{row.Gid.Replace("'", "''", StringComparison.Ordinal)}';"));
        }

        long files = (await session.RowsAsync(Files, reader => reader.GetInt64(0), cancel))[0];
        return files == 0 ? [] : [Finding(null, string.Create(CultureInfo.InvariantCulture, $"{files} prepared transactions"), "On the source, SELECT * FROM pg_prepared_xacts names them: commit them or roll them back there.")];
    }

    private static ReadinessFinding Finding(string? database, string subject, string fix) => new()
    {
        Severity = FindingSeverity.Warning,
        Name = "TransactionPrepared",
        Database = database,
        Subject = subject,
        Consequence = "It holds its locks and keeps vacuum from working, also on the copy; the cutover gives it -FenceTimeout to end, and refuses to begin while it is there after that.",
        Fix = fix,
    };

    private static (string Gid, string Database, string Owner) Read(NpgsqlDataReader reader) => (reader.GetString(0), reader.GetString(1), reader.GetString(2));
}
