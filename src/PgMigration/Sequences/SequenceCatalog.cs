using System.Data.Common;
using System.Text.RegularExpressions;
using Npgsql;
using NpgsqlTypes;

namespace PgMigration;

/// <summary>Every sequence of a database and every column that takes from one, as of one moment.</summary>
internal sealed partial class SequenceCatalog
{
    private SequenceCatalog(IReadOnlyList<SequenceUse> uses, IReadOnlyDictionary<string, SequenceState> states)
    {
        Uses = uses;
        States = states;
        var used = uses.Select(use => use.State!.QuotedName).ToHashSet();
        Unused = [.. states.Values.Where(state => !used.Contains(state.QuotedName))];
    }

    /// <summary>Each column with its sequence; a sequence that several columns share is one object in all of them.</summary>
    public IReadOnlyList<SequenceUse> Uses { get; }

    /// <summary>The sequences that no column takes from.</summary>
    public IReadOnlyList<SequenceState> Unused { get; }

    /// <summary>All sequences by their quoted names.</summary>
    public IReadOnlyDictionary<string, SequenceState> States { get; }

    /// <summary>Reads the catalog, and then what the sequences and columns hold: two round trips.</summary>
    public static async Task<SequenceCatalog> ReadAsync(NpgsqlConnection connection, IMigrationObserver observer, CancellationToken cancel)
    {
        var catalog = await ReadDefinitionsAsync(connection, cancel);
        await SequenceValues.ReadAsync(connection, catalog.States.Values, catalog.Uses, observer, cancel);
        return catalog;
    }

    /// <summary>Reads the catalog alone: one round trip. Sequences that gave out nothing yet have no value then.</summary>
    public static async Task<SequenceCatalog> ReadDefinitionsAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (connection.PostgreSqlVersion.Major < 10)
        {
            throw new MigrationException("ServerTooOld", MigrationErrorKind.NotSupported,
                $"The server {connection.Host} is PostgreSQL {connection.PostgreSqlVersion}; its sequences can be read from version 10 on.");
        }

        var states = new Dictionary<string, SequenceState>(StringComparer.Ordinal);
        var uses = new List<SequenceUse>();
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new(SequenceQueries.PlanByHash), new(SequenceQueries.Uses) } };
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        await reader.NextResultAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            string name = reader.GetString(reader.GetOrdinal("sequence"));
            if (!states.TryGetValue(name, out var state))
            {
                states.Add(name, state = ReadState(reader, name));
            }

            if (!await reader.IsDBNullAsync(reader.GetOrdinal("table"), cancel))
            {
                string? expression = Text(reader, "expression");
                uses.Add(new SequenceUse
                {
                    State = state,
                    Column = ReadColumn(reader),
                    IsPlain = expression is null || PlainDefault().IsMatch(expression),
                    Origin = Text(reader, "identity") switch
                    {
                        "a" => SequenceOrigin.IdentityAlways,
                        "d" => SequenceOrigin.IdentityByDefault,
                        _ when expression is null => SequenceOrigin.Owned,
                        _ when reader.GetBoolean(reader.GetOrdinal("is_owner")) => SequenceOrigin.Serial,
                        _ => SequenceOrigin.Default,
                    },
                });
            }
        }

        return new SequenceCatalog(uses, states);
    }

    /// <summary>Columns without a sequence: those asked for, and those that the naming rule finds. One round trip.</summary>
    public static async Task<IReadOnlyList<SequenceCandidate>> ReadCandidatesAsync(
        NpgsqlConnection connection, IReadOnlyCollection<SequenceColumn> asked, bool byNamingRule, CancellationToken cancel)
    {
        if (asked.Count == 0 && !byNamingRule)
        {
            return [];
        }

        var query = new NpgsqlBatchCommand(SequenceQueries.Candidates)
        {
            Parameters =
            {
                new() { Value = asked.Select(column => column.Schema).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = asked.Select(column => column.Table).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = asked.Select(column => column.Name).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = byNamingRule },
            },
        };
        var candidates = new List<SequenceCandidate>();
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new(SequenceQueries.PlanByHash), query } };
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        await reader.NextResultAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            candidates.Add(new SequenceCandidate(ReadColumn(reader), Text(reader, "expression"),
                reader.GetBoolean(reader.GetOrdinal("is_generated")), reader.GetBoolean(reader.GetOrdinal("is_asked"))));
        }

        return candidates;
    }

    /// <summary>Whether a column's default is a sequence's next value itself, and nothing computed from it.</summary>
    public static bool IsPlain(string expression) => PlainDefault().IsMatch(expression);

    private static SequenceState ReadState(DbDataReader reader, string quotedName)
    {
        long? last = reader["last_value"] as long?;
        return new SequenceState
        {
            Schema = Text(reader, "sequence_schema")!,
            Name = Text(reader, "sequence_name")!,
            QuotedName = quotedName,
            DataType = Text(reader, "data_type")!,
            Start = (long)reader["seqstart"],
            Increment = (long)reader["seqincrement"],
            Minimum = (long)reader["seqmin"],
            Maximum = (long)reader["seqmax"],
            Cache = (long)reader["seqcache"],
            Cycles = (bool)reader["seqcycle"],
            Owner = Text(reader, "owner")!,
            IsOwned = (bool)reader["is_owned"],
            LastValue = last,
            IsCalled = last is not null,
            Problem = last is null ? Text(reader, "problem") : null,
        };
    }

    private static SequenceColumn ReadColumn(DbDataReader reader) => new()
    {
        Schema = Text(reader, "schema")!,
        Table = Text(reader, "table")!,
        Name = Text(reader, "column")!,
        QuotedTable = Text(reader, "quoted_table")!,
        QuotedName = Text(reader, "quoted_column")!,
        BaseType = Text(reader, "base_type"),
        IsNotNull = (bool)reader["attnotnull"],
        TableOwner = Text(reader, "table_owner")!,
        Inserters = (string[])reader["inserters"],
        IsIndexed = (bool)reader["is_indexed"],
        TableBytes = (long)reader["table_bytes"],
        HasChildren = (bool)reader["has_children"],
        Problem = Text(reader, "column_problem"),
    };

    private static string? Text(DbDataReader reader, string name) => reader[name] as string;

    // nextval('…'::regclass), also with casts around it, but nothing computed from it
    [GeneratedRegex(@"^\(*nextval\(\(*'(?:[^']|'')+'::(?:regclass|text\)*::regclass)\)+(?:::[\w\s"".]+\)*)*$")]
    private static partial Regex PlainDefault();
}
