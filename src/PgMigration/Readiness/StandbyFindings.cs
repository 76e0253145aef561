using Npgsql;

namespace PgMigration;

/// <summary>What is wrong with a physical copy although it replays: libraries that are missing here, text that sorts otherwise here, and what never was whole.</summary>
/// <remarks>Reads only the catalogs of the copy, of each of its databases, so it can be asked again at any time.</remarks>
public static class StandbyFindings
{
    /// <summary>Examines every database of a server.</summary>
    /// <param name="server">Any database of it, as a superuser: files of the server are looked for.</param>
    /// <param name="source">The server it is a copy of, to name its prepared transactions; null when it is not to be asked.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>The gravest first.</returns>
    /// <exception cref="MigrationException">The server cannot be reached.</exception>
    public static async Task<IReadOnlyList<ReadinessFinding>> ReadAsync(PgServer server, PgServer? source = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        var findings = new List<ReadinessFinding>();
        List<string> databases;
        await using (var session = await server.ConnectAsync(cancel))
        {
            databases = await session.RowsAsync("SELECT datname::text FROM pg_database WHERE datallowconn ORDER BY datname", reader => reader.GetString(0), cancel);
            findings.AddRange(await InheritedPreparedTransactions.FindAsync(session, source, cancel));
        }

        foreach (string database in databases)
        {
            try
            {
                await using var session = await server.WithDatabase(database).ConnectAsync(cancel);
                findings.AddRange(await ExtensionFindings.FindAsync(session, database, cancel));
                findings.AddRange(await CollationFindings.FindAsync(session, database, cancel));
                findings.AddRange(await RelationFindings.FindAsync(session, database, cancel));
            }
            catch (Exception error) when (error is PostgresException or MigrationException)
            {
                findings.Add(new ReadinessFinding
                {
                    Severity = FindingSeverity.Warning, Name = "DatabaseUnreadable", Database = database, Subject = database,
                    Consequence = $"It could not be examined: {error.Message}", Fix = "Connect to it by hand and see why.",
                });
            }
        }

        return [.. findings.OrderByDescending(finding => finding.Severity)];
    }
}
