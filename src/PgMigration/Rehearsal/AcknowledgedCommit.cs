namespace PgMigration;

/// <summary>One transaction that a server acknowledged, as its writer saw it.</summary>
/// <param name="Writer">The writer's number.</param>
/// <param name="Kind">The writer's kind.</param>
/// <param name="SentAt">When the request that commits was sent, in UTC: not committed before.</param>
/// <param name="AcknowledgedAt">When the answer was here, in UTC: committed by then.</param>
/// <param name="Port">The port of the server that committed it; it tells apart two servers on one machine.</param>
/// <param name="Timeline">The timeline that server wrote.</param>
/// <param name="Rows">The rows it inserted.</param>
public sealed record AcknowledgedCommit(int Writer, WriterKind Kind, DateTime SentAt, DateTime AcknowledgedAt, int Port, uint Timeline, IReadOnlyList<WrittenRow> Rows)
{
    /// <summary>Whether it went through the pooler.</summary>
    public bool Pooled => Kind != WriterKind.Straight;
}
