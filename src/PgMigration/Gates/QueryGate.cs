using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Passes while a query on a server answers true, or a number within its bounds.</summary>
/// <remarks>It runs in a read-only transaction of a session of its own, which the server ends when the deadline has passed.</remarks>
public sealed class QueryGate : MigrationGate
{
    private readonly GateExpectation _expectation;

    /// <summary>Describes the gate.</summary>
    /// <param name="server">Where to ask.</param>
    /// <param name="query">One statement that returns one row of one column.</param>
    /// <param name="expectation">What it must be; by default true.</param>
    public QueryGate(PgServer server, string query, GateExpectation? expectation = null)
    {
        Server = server;
        Query = query;
        _expectation = expectation ?? GateExpectation.True;
    }

    /// <inheritdoc/>
    public override string Kind => "Query";

    /// <summary>Where it asks.</summary>
    public PgServer Server { get; }

    /// <summary>What it asks.</summary>
    public string Query { get; }

    /// <inheritdoc/>
    public override string Expected => $"{_expectation} from {Server.Host}:{Server.Port.ToString(CultureInfo.InvariantCulture)}/{Server.Database}";

    /// <inheritdoc/>
    protected override async Task<GateObservation> ObserveAsync(CancellationToken cancel)
    {
        int milliseconds = (int)Math.Clamp(Timeout.TotalMilliseconds, 1, int.MaxValue);
        await using var session = await Server.ConnectAsync(string.Create(CultureInfo.InvariantCulture, $"-c default_transaction_read_only=on -c statement_timeout={milliseconds}"), cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        await using var command = new NpgsqlCommand(Query, session, transaction);
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancel);
            if (!await reader.ReadAsync(cancel))
            {
                return GateObservation.No("no row");
            }

            if (reader.FieldCount != 1)
            {
                return GateObservation.No(string.Create(CultureInfo.InvariantCulture, $"a row of {reader.FieldCount} columns, expected one"));
            }

            object value = reader.GetValue(0);
            return await reader.ReadAsync(cancel) ? GateObservation.No("more than one row")
                : await reader.NextResultAsync(cancel) ? GateObservation.No("the results of several statements, expected one") : _expectation.Compare(value);
        }
        catch (PostgresException error)
        {
            return GateObservation.No($"the error {error.SqlState}: {error.MessageText}");
        }
    }
}
