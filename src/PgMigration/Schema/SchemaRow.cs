namespace PgMigration;

/// <summary>What copying a schema does, or would do, for one object.</summary>
public sealed record SchemaRow
{
    /// <summary>The section in which it is made.</summary>
    public required SchemaSection Section { get; init; }

    /// <summary>The kind of object, in pg_dump's words (<c>TABLE</c>, <c>FK CONSTRAINT</c>, <c>ACL</c>), or <c>NOT NULL</c>, <c>IDENTITY</c>, <c>ROLE</c>, <c>TABLESPACE</c>, <c>SETTING</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The object, quoted where SQL needs it.</summary>
    public required string Name { get; init; }

    /// <summary>What is done.</summary>
    public required SchemaAction Action { get; init; }

    /// <summary>Why, where that is not plain: what the target lacks, what was left for later.</summary>
    public string? Reason { get; init; }

    /// <summary>How long it took; null where nothing was done.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>The error that a failed row stands for.</summary>
    public MigrationException Failure() => new("SchemaObjectNotCopied", MigrationErrorKind.InvalidOperation, $"{Type} {Name} is not on the target: {Reason}");
}
