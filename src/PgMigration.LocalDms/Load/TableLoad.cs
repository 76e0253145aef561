using System.Buffers;
using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>Loads a part of a table: one COPY out of the source's snapshot into one transaction of the target.</summary>
/// <param name="source">The table on the source.</param>
/// <param name="target">The table on the target.</param>
/// <param name="condition">Which rows, as SQL; null for all.</param>
/// <param name="rules">How values change on the way.</param>
internal sealed class TableLoad(TableDefinition source, TableDefinition target, string? condition, ValueRules rules)
{
    private const int BufferSize = 128 * 1024;
    private const string Savepoint = "part";

    /// <summary>Whether raw bytes can go from one server to the other.</summary>
    private bool IsBinary => source.Columns.All(column => column.IsPlain && target.Column(column.Name) is not { IsPlain: false });

    // What inherits from it is a table of its own, as a partition is.
    private string Rows => $"ONLY {source.Name.Quoted}{(condition is null ? string.Empty : $" WHERE {condition}")}";

    private string Out => $"COPY (SELECT {string.Join(", ", source.Columns.Select(column => rules.LoadExpression(column, target.Column(column.Name))))} FROM {Rows}) TO STDOUT";

    private string In => $"COPY {target.Name.Quoted} ({string.Join(", ", source.Columns.Select(column => Sql.Name(column.Name)))}) FROM STDIN";

    /// <summary>Copies the rows into the target's open transaction.</summary>
    /// <param name="from">A session that sees the snapshot; it stays usable when this fails.</param>
    /// <param name="to">A session in a transaction.</param>
    /// <param name="loaded">Told how many rows more have passed.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>How many rows.</returns>
    /// <exception cref="TaskFailure">A LOB would be cut, and the task is to fail then.</exception>
    public async Task<long> RunAsync(NpgsqlConnection from, NpgsqlConnection to, Action<long> loaded, CancellationToken cancel)
    {
        await from.RunAsync($"SAVEPOINT {Savepoint}", cancel);
        try
        {
            await RefuseCutsAsync(from, cancel);
            long rows = IsBinary ? await CopyBinaryAsync(from, to, loaded, cancel) : await CopyTextAsync(from, to, loaded, cancel);
            await from.RunAsync($"RELEASE {Savepoint}", cancel);
            return rows;
        }
        catch (PostgresException)
        {
            await from.RunAsync($"ROLLBACK TO {Savepoint}", cancel);
            throw;
        }
    }

    private async Task RefuseCutsAsync(NpgsqlConnection from, CancellationToken cancel)
    {
        if (rules.FailsOnCut && rules.LobLimit is { } limit)
        {
            foreach (var column in source.Columns.Where(column => column.IsLob))
            {
                if (await from.AskAsync<bool>($"SELECT EXISTS (SELECT FROM ONLY {source.Name.Quoted} WHERE {LobRules.CutCondition(column, limit)})", cancel))
                {
                    throw new TaskFailure($"A value of {source.Name}, column {column.Name}, is longer than LobMaxSize, and FailTasksOnLobTruncation is on.");
                }
            }
        }
    }

    private async Task<long> CopyBinaryAsync(NpgsqlConnection from, NpgsqlConnection to, Action<long> loaded, CancellationToken cancel)
    {
        var counter = new CopyRowCounter();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            await using var output = await from.BeginRawBinaryCopyAsync($"{Out} (FORMAT binary)", cancel);
            await using var input = await to.BeginRawBinaryCopyAsync($"{In} (FORMAT binary)", cancel);
            try
            {
                int read;
                while ((read = await output.ReadAsync(buffer, cancel)) > 0)
                {
                    long before = counter.Rows;
                    counter.Take(buffer.AsSpan(0, read));
                    await input.WriteAsync(buffer.AsMemory(0, read), cancel);
                    loaded(counter.Rows - before);
                }
            }
            catch
            {
                await AbandonAsync(input.CancelAsync);
                throw;
            }

            return counter.Rows;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<long> CopyTextAsync(NpgsqlConnection from, NpgsqlConnection to, Action<long> loaded, CancellationToken cancel)
    {
        long rows = 0;
        char[] buffer = ArrayPool<char>.Shared.Rent(BufferSize);
        try
        {
            using var output = await from.BeginTextExportAsync(Out, cancel);
            await using var input = await to.BeginTextImportAsync(In, cancel);
            try
            {
                int read;
                while ((read = await output.ReadAsync(buffer, cancel)) > 0)
                {
                    // in the text format a line feed within a value is written as \n
                    int more = buffer.AsSpan(0, read).Count('\n');
                    rows += more;
                    await input.WriteAsync(buffer.AsMemory(0, read), cancel);
                    loaded(more);
                }
            }
            catch
            {
                await AbandonAsync(input.CancelAsync);
                throw;
            }

            return rows;
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    // what went wrong before counts, not that the server also refuses the rest
    private static async Task AbandonAsync(Func<Task> abandon)
    {
        try
        {
            await abandon();
        }
        catch (Exception error) when (error is NpgsqlException or ObjectDisposedException or InvalidOperationException or IOException)
        {
        }
    }
}
