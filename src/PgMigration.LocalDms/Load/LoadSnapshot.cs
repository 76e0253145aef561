using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>One moment of the source, seen by several sessions: what was committed before <see cref="Lsn"/>, and nothing else.</summary>
/// <param name="lsn">The position.</param>
/// <param name="sessions">The sessions, each in a transaction that sees the snapshot.</param>
internal sealed class LoadSnapshot(Lsn lsn, IReadOnlyList<NpgsqlConnection> sessions) : IAsyncDisposable
{
    /// <summary>The position of the snapshot.</summary>
    public Lsn Lsn => lsn;

    /// <summary>The sessions that see it.</summary>
    public IReadOnlyList<NpgsqlConnection> Sessions => sessions;

    /// <summary>Opens sessions that see an exported snapshot. The session that exported it must stay as it is until this returns.</summary>
    /// <param name="source">The source.</param>
    /// <param name="applicationName">How the sessions call themselves.</param>
    /// <param name="name">The snapshot's name.</param>
    /// <param name="lsn">Its position.</param>
    /// <param name="count">How many sessions.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public static async Task<LoadSnapshot> ImportAsync(DatabaseEndpoint source, string applicationName, string name, Lsn lsn, int count, CancellationToken cancel)
    {
        var sessions = new List<NpgsqlConnection>();
        try
        {
            for (int i = 0; i < count; i++)
            {
                var session = await source.ConnectAsync(applicationName, cancel);
                sessions.Add(session);
                await session.RunAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", cancel);
                await session.RunAsync($"SET TRANSACTION SNAPSHOT {Sql.Literal(name)}", cancel);
            }

            return new LoadSnapshot(lsn, sessions);
        }
        catch
        {
            await CloseAsync(sessions);
            throw;
        }
    }

    /// <summary>A snapshot without a slot, for a task that only loads.</summary>
    public static async Task<LoadSnapshot> ExportAsync(DatabaseEndpoint source, string applicationName, int count, CancellationToken cancel)
    {
        await using var exporter = await source.ConnectAsync(applicationName, cancel);
        await exporter.RunAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", cancel);
        string name = (await exporter.AskAsync<string>("SELECT pg_export_snapshot()", cancel))!;
        return await ImportAsync(source, applicationName, name, Lsn.Zero, count, cancel);
    }

    /// <summary>Ends the sessions.</summary>
    public async ValueTask DisposeAsync() => await CloseAsync(sessions);

    private static async Task CloseAsync(IEnumerable<NpgsqlConnection> sessions)
    {
        foreach (var session in sessions)
        {
            await session.DisposeAsync();
        }
    }
}
