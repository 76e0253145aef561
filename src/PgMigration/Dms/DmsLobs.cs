using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Measures the largest LOB of a source, by DMS's rule: what is longer than LobMaxSize is cut, and nobody is told.</summary>
/// <param name="MaxSize">LobMaxSize in KB, with room for what still grows.</param>
/// <param name="Where">The column that needs it; null when there is no LOB.</param>
public sealed record DmsLobs(int MaxSize, string? Where)
{
    /// <summary>The largest LobMaxSize with which limited mode is sensible: it takes that much memory for each row on its way. Beyond it full mode is used.</summary>
    public const int LargestLimited = 64 * 1024;

    private const int Smallest = 32;
    private const double Room = 1.25;

    /// <summary>Whether full mode is needed, which reads each LOB by itself.</summary>
    public bool NeedsFullMode => MaxSize > LargestLimited;

    /// <summary>Reads every LOB column once. Text and bytes tell their length without being read as a whole; documents must be made a text.</summary>
    /// <remarks>For characters DMS counts two bytes each, and four where a value has some beyond the basic plane (user guide, "LOB support for PostgreSQL").</remarks>
    public static async Task<DmsLobs> MeasureAsync(NpgsqlConnection source, IReadOnlyList<DmsTable> tables, IMigrationObserver observer, CancellationToken cancel)
    {
        var withLobs = tables.Where(table => table.Lobs.Count > 0).ToArray();
        long needed = 0;
        string? where = null;
        for (int place = 0; place < withLobs.Length; place++)
        {
            var table = withLobs[place];
            observer.Progress(new MigrationProgress("Measuring LOBs", string.Create(CultureInfo.InvariantCulture, $"{table}: {place + 1} of {withLobs.Length} tables, {LagText.Of(table.Bytes)}")) { Percent = 100 * place / withLobs.Length });
            var lengths = (await source.RowsAsync($"select {string.Join(", ", table.Lobs.Select(column => $"coalesce(max({Length(column)}), 0)::bigint"))} from only {table.Quoted}",
                row => table.Lobs.Select((_, column) => row.GetInt64(column)).ToArray(), cancel))[0];
            foreach (var (column, length) in table.Lobs.Zip(lengths))
            {
                Need(column.IsBinary ? length : 2 * length, $"{table}.{column.Name}");
                if (!column.IsBinary && 4 * length > needed && await HasWideAsync(source, table, column, needed / 4, cancel))
                {
                    Need(4 * length, $"{table}.{column.Name}");
                }
            }
        }

        observer.Progress(new MigrationProgress("Measuring LOBs", "done") { Percent = 100, Completed = true });
        return Of(needed, where);

        void Need(long bytes, string name) => (needed, where) = bytes > needed ? (bytes, name) : (needed, where);
    }

    /// <summary>The setting for a largest value of so many bytes.</summary>
    internal static DmsLobs Of(long bytes, string? where) =>
        new((int)Math.Min(int.MaxValue, Math.Max(Smallest, Math.Ceiling(bytes * Room / 1024 / Smallest) * Smallest)), where);

    private static string Length(DmsLobColumn column) => $"octet_length({SqlText.Name(column.Name)}{(column.IsText ? string.Empty : "::text")})";

    // Only values so long that it would matter are read.
    private static async Task<bool> HasWideAsync(NpgsqlConnection source, DmsTable table, DmsLobColumn column, long longerThan, CancellationToken cancel) =>
        await source.ScalarAsync<string>("show server_encoding", cancel) == "UTF8"
        && await source.ScalarAsync<bool>($@"select exists (select from only {table.Quoted} where {Length(column)} > @length and {SqlText.Name(column.Name)}::text ~ '[\U00010000-\U0010FFFF]')",
            cancel, new NpgsqlParameter<long>("length", longerThan));
}
