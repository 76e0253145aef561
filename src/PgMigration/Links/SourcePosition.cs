using System.Globalization;
using Npgsql;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Where a source writes, as any ordinary login can ask it.</summary>
/// <param name="Inserted">Its insert position: what is only written, or flushed, can lie before an acknowledged commit.</param>
/// <param name="Timeline">Its timeline, from the name of the segment it writes: pg_control_checkpoint() shows the old one for a while.</param>
/// <param name="SystemIdentifier">Its cluster.</param>
/// <param name="OpenFrom">The oldest transaction that is not completed.</param>
/// <param name="CompletedTo">The first transaction that was not yet completed by anyone.</param>
internal sealed record SourcePosition(Lsn Inserted, uint Timeline, ulong SystemIdentifier, ulong OpenFrom, ulong CompletedTo)
{
    private const string Query = """
        SELECT s.inserted::text, pg_walfile_name(s.inserted), (SELECT system_identifier FROM pg_control_system()),
               pg_snapshot_xmin(s.now)::text, pg_snapshot_xmax(s.now)::text
        FROM (SELECT pg_current_snapshot() AS now, pg_current_wal_insert_lsn() AS inserted) AS s
        """;

    /// <summary>Asks the source, and makes sure that it is the one whose WAL the archive holds.</summary>
    /// <exception cref="MigrationException"><c>SourceInRecovery</c>, <c>SourceOfOtherCluster</c>, or why it cannot be reached.</exception>
    public static async Task<SourcePosition> ReadAsync(PgServer source, ulong systemIdentifier, string archive, CancellationToken cancel)
    {
        SourcePosition position;
        try
        {
            position = await AskAsync(source, cancel);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ObjectNotInPrerequisiteState)
        {
            throw new MigrationException("SourceInRecovery", MigrationErrorKind.InvalidOperation,
                $"The source {source} is itself a standby, which has no insert position. Name the primary: after a failover its address may have changed.", error);
        }

        return position.SystemIdentifier == systemIdentifier
            ? position
            : throw new MigrationException("SourceOfOtherCluster", MigrationErrorKind.InvalidData,
                string.Create(CultureInfo.InvariantCulture, $"The source {source} has the system identifier {position.SystemIdentifier}, and the archive {archive} holds the WAL of {systemIdentifier}. Name the server whose WAL goes to that archive."));
    }

    private static async Task<SourcePosition> AskAsync(PgServer source, CancellationToken cancel)
    {
        await using var connection = await source.ConnectAsync(cancel);
        await using var command = new NpgsqlCommand(Query, connection);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        return new SourcePosition(
            Lsn.Parse(reader.GetString(0)),
            WalSegmentName.Parse(reader.GetString(1)).Timeline,
            unchecked((ulong)reader.GetInt64(2)),
            Number(reader.GetString(3)),
            Number(reader.GetString(4)));
    }

    internal static ulong Number(string text) => ulong.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
