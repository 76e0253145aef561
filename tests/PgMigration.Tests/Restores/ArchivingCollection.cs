namespace PgMigration.Tests;

/// <summary>Tests that share one archiving source: <c>[Collection(ArchivingCollection.Name)]</c>, and <c>ArchivingServer</c> in the constructor.</summary>
[CollectionDefinition(Name)]
public sealed class ArchivingCollection : ICollectionFixture<ArchivingServer>
{
    public const string Name = "archiving";
}
