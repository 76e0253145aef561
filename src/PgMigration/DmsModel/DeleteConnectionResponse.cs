namespace PgMigration.DmsModel;

/// <summary>The test that was forgotten.</summary>
public sealed record DeleteConnectionResponse
{
    /// <summary>It.</summary>
    public Connection? Connection { get; init; }
}
