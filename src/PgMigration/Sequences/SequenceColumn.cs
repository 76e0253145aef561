namespace PgMigration;

/// <summary>A column that takes its values from a sequence, or ought to.</summary>
internal sealed record SequenceColumn
{
    public required string Schema { get; init; }

    public required string Table { get; init; }

    public required string Name { get; init; }

    /// <summary>Schema and table as SQL takes them.</summary>
    public required string QuotedTable { get; init; }

    /// <summary>The column as SQL takes it.</summary>
    public required string QuotedName { get; init; }

    /// <summary>smallint, integer, bigint or numeric, under whatever domains; null for another type.</summary>
    public string? BaseType { get; init; }

    public required bool IsNotNull { get; init; }

    public required string TableOwner { get; init; }

    /// <summary>The roles that may insert into the table, as SQL takes them: they need the sequence, too.</summary>
    public required IReadOnlyList<string> Inserters { get; init => field = value.ToArray(); }

    /// <summary>Whether the farthest value is found without reading the whole table.</summary>
    public required bool IsIndexed { get; init; }

    /// <summary>Bytes of the table, partitions included, as the last vacuum or analyze knew them.</summary>
    public required long TableBytes { get; init; }

    /// <summary>Whether a query on it locks partitions or children, too.</summary>
    public required bool HasChildren { get; init; }

    /// <summary>Why the column's values cannot be asked for; null when they can.</summary>
    public string? Problem { get; init; }

    public string Title => $"{QuotedTable}.{QuotedName}";

    /// <summary>The largest value of the type; null when there is none.</summary>
    public long? TypeLimit => BaseType switch { "smallint" => short.MaxValue, "integer" => int.MaxValue, "bigint" => long.MaxValue, _ => null };
}
