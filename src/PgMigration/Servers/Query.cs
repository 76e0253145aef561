using Npgsql;

namespace PgMigration;

/// <summary>One statement, one line: what the library asks of servers reads as a sentence.</summary>
internal static class Query
{
    /// <summary>Runs a statement (or several) and throws its result away.</summary>
    public static async Task ExecuteAsync(this NpgsqlConnection connection, string sql, CancellationToken cancel, params NpgsqlParameter[] parameters)
    {
        await using var command = connection.Prepare(sql, parameters);
        await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>The first column of the first row.</summary>
    /// <exception cref="InvalidOperationException">There is no row, or the value is null.</exception>
    public static async Task<T> ScalarAsync<T>(this NpgsqlConnection connection, string sql, CancellationToken cancel, params NpgsqlParameter[] parameters)
    {
        await using var command = connection.Prepare(sql, parameters);
        return await command.ExecuteScalarAsync(cancel) is T value ? value : throw new InvalidOperationException($"No value of type {typeof(T).Name} came from: {sql}");
    }

    /// <summary>The first column of the first row, or null when there is no row or no value.</summary>
    public static async Task<string?> TextOrNullAsync(this NpgsqlConnection connection, string sql, CancellationToken cancel, params NpgsqlParameter[] parameters)
    {
        await using var command = connection.Prepare(sql, parameters);
        return await command.ExecuteScalarAsync(cancel) as string;
    }

    /// <summary>All rows.</summary>
    public static async Task<List<T>> RowsAsync<T>(this NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params NpgsqlParameter[] parameters)
    {
        var rows = new List<T>();
        await using var command = connection.Prepare(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>A position, which travels as text: servers of all versions print it the same way.</summary>
    public static async Task<Lsn> LsnAsync(this NpgsqlConnection connection, string expression, CancellationToken cancel, params NpgsqlParameter[] parameters) =>
        Lsn.Parse(await connection.ScalarAsync<string>($"select ({expression})::text", cancel, parameters));

    /// <summary>A column's text, or null.</summary>
    public static string? TextOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static NpgsqlCommand Prepare(this NpgsqlConnection connection, string sql, NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return command;
    }
}
