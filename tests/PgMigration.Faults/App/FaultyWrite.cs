using System.Globalization;
using Npgsql;

namespace PgMigration.Faults;

/// <summary>One row, written as the rehearsal's writers do, within a transaction that the caller begins and ends.</summary>
internal static class FaultyWrite
{
    public static async Task<(WrittenRow Row, int Port, uint Timeline)> InsertAsync(NpgsqlConnection connection, string opening, int number, long token, CancellationToken cancel)
    {
        await connection.ExecuteAsync(opening, cancel);
        int table = (int)(token % RehearsalTable.All.Count);
        var rows = await connection.RowsAsync(
            RehearsalTable.All[table].InsertStatement(token.ToString(CultureInfo.InvariantCulture), number.ToString(CultureInfo.InvariantCulture), "'fault'"),
            row => (new WrittenRow(table, row.GetInt64(0), token), row.GetInt32(1), uint.Parse(row.GetString(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)), cancel);
        return rows[0];
    }

    /// <summary>What a server that is dying, fenced or out of reach makes a client see.</summary>
    public static bool IsExpected(Exception error) => error is NpgsqlException or MigrationException or IOException or InvalidOperationException or TimeoutException or OperationCanceledException;
}
