namespace PgMigration.Dms.Tests;

/// <summary>Tests that share two servers and a local DMS: <c>[Collection(DmsCollection.Name)]</c>, and <c>DmsBed</c> in the constructor.</summary>
[CollectionDefinition(Name)]
public sealed class DmsCollection : ICollectionFixture<DmsBed>
{
    public const string Name = "dms";
}
