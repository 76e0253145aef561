namespace PgMigration;

/// <summary>A transaction or a connection of the rehearsal's app that ended in an error.</summary>
/// <param name="At">When, in UTC.</param>
/// <param name="Writer">The writer's number, or the reader's as a negative one.</param>
/// <param name="Pooled">Whether it went through the pooler.</param>
/// <param name="SqlState">The server's code; null when no server answered.</param>
/// <param name="Message">What was said.</param>
/// <param name="Tokens">The tokens of the rows that the transaction meant to insert.</param>
public sealed record AppFailure(DateTime At, int Writer, bool Pooled, string? SqlState, string Message, IReadOnlyList<long> Tokens)
{
    /// <summary>
    /// Whether a server said no: to the write, or to the connection. Being cut off (57P01 and its kin) is no refusal: a commit can have
    /// been on its way.
    /// </summary>
    public bool IsRefusal => SqlState is not null and not "57P01" and not "57P02" and not "57P03";

    /// <summary>Whether the server said so before anything could have been committed: such a row must be nowhere.</summary>
    public bool IsCertain => SqlState is "25006" or "42501";
}
