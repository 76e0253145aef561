namespace PgMigration;

/// <summary>One row that was looked at.</summary>
/// <param name="Key">Its primary key, as texts.</param>
/// <param name="Hash">The hash of the whole row.</param>
/// <param name="Version">Where it lies and which transaction wrote it: another one for every change.</param>
internal sealed record SampledRow(string[] Key, long Hash, string Version)
{
    /// <summary>The key as one text.</summary>
    public string Name => string.Join('\u001f', Key);

    /// <summary>The rows that the other side lacks or has otherwise.</summary>
    public static SampledRow[] Wrong(IReadOnlyDictionary<string, SampledRow> here, IReadOnlyDictionary<string, SampledRow> there) =>
        [.. here.Values.Where(row => !there.TryGetValue(row.Name, out var other) || other.Hash != row.Hash)];
}
