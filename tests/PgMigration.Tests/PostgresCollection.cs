namespace PgMigration.Tests;

/// <summary>Tests that share one server: <c>[Collection(PostgresCollection.Name)]</c>, and <c>TestPostgres</c> in the constructor.</summary>
[CollectionDefinition(Name)]
public sealed class PostgresCollection : ICollectionFixture<TestPostgres>
{
    public const string Name = "postgres";
}
