namespace PgMigration.Wal;

/// <summary>The tests that share one S3 service.</summary>
[CollectionDefinition(Name)]
public sealed class S3Collection : ICollectionFixture<TestS3>
{
    public const string Name = "s3";
}
