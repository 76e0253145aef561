namespace PgMigration.DmsModel;

/// <summary>The test that was begun.</summary>
public sealed record TestConnectionResponse
{
    /// <summary>The test, testing.</summary>
    public Connection? Connection { get; init; }
}
