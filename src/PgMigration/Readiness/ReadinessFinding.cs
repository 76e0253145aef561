namespace PgMigration;

/// <summary>One thing about a server that somebody must know before the app is moved: what it is, what comes of it, and what to do.</summary>
public sealed record ReadinessFinding
{
    /// <summary>How grave it is.</summary>
    public required FindingSeverity Severity { get; init; }

    /// <summary>What kind of finding it is, in one stable word for scripts, such as <c>CollationVersionDiffers</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The database it is about; null when it is about the whole server.</summary>
    public string? Database { get; init; }

    /// <summary>The object it is about, such as an extension or a collation, by its name.</summary>
    public required string Subject { get; init; }

    /// <summary>What comes of it.</summary>
    public required string Consequence { get; init; }

    /// <summary>What to do: statements to run, where statements mend it, one a line.</summary>
    public required string Fix { get; init; }

    /// <summary>The indexes that it is about, by their quoted names; empty where it is about something else.</summary>
    public IReadOnlyList<string> Indexes { get; init => field = value.ToArray(); } = [];

    /// <summary>All in one line.</summary>
    public override string ToString() => $"{Severity} {Name}{(Database is null ? string.Empty : $" in {Database}")}: {Subject}. {Consequence}";
}
