namespace PgMigration;

/// <summary>What a comparison found while the app still wrote.</summary>
/// <param name="Same">The tables that were the same as a whole, by <c>schema.table</c>: as SQL takes them, and the counts of writes to them that both servers had before.</param>
/// <param name="BytesPerSecond">The pace at which whole tables are compared; null when it is not known.</param>
internal sealed record ComparedAhead(IReadOnlyDictionary<string, (string Quoted, string Source, string Target)> Same, double? BytesPerSecond)
{
    /// <summary>Nothing was compared.</summary>
    public static ComparedAhead Nothing { get; } = new(new Dictionary<string, (string, string, string)>(), null);
}
