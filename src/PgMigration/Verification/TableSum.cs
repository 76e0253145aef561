namespace PgMigration;

/// <summary>A whole table in one line.</summary>
/// <param name="Rows">How many rows it has.</param>
/// <param name="Hash">The sum of their hashes.</param>
/// <param name="Versions">The sum of what changes with every write to a row; null when that was not asked.</param>
internal sealed record TableSum(long Rows, string Hash, string? Versions)
{
    /// <summary>Whether the rows of two servers are the same, wherever they lie.</summary>
    public bool IsSameAs(TableSum other) => Rows == other.Rows && Hash == other.Hash;
}
