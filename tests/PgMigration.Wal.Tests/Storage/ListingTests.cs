using System.Globalization;

namespace PgMigration.Wal;

/// <summary>Lists of services with habits that are not S3's: each ends, and none is taken for whole that is not.</summary>
[Collection(S3Collection.Name)]
public sealed class ListingTests(TestS3 s3)
{
    private static readonly string[] Names = [.. Enumerable.Range(1, 9).Select(i => string.Create(CultureInfo.InvariantCulture, $"wal_005/{i:X24}.lz4"))];

    public static TheoryData<string, string> Faults => new()
    {
        { nameof(OddS3.GivesNoToken), "without a token" },
        { nameof(OddS3.RepeatsToken), "in increasing order" },
        { nameof(OddS3.GivesEmptyPages), "without a key" },
        { nameof(OddS3.KnowsOnlyVersion1), "WALG_S3_USE_LIST_OBJECTS_V1" },
        { nameof(OddS3.IgnoresPrefix), "'other/x'" },
        { nameof(OddS3.ListsBackwards), "in increasing order" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_list_that_cannot_be_trusted_is_refused_after_a_few_requests(string habit, string expected)
    {
        using var service = Odd(habit);
        using var storage = service.Open();

        var error = await Assert.ThrowsAsync<MigrationException>(() => NamesAsync(storage, "wal_005/"));

        Assert.Equal(("ArchiveListingInvalid", MigrationErrorKind.InvalidData), (error.ErrorId, error.Kind));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("s3://b/p/wal_005/", error.Message, StringComparison.Ordinal);
        Assert.InRange(service.Requests.Count, 1, 110);
    }

    [Theory]
    [InlineData(nameof(OddS3.IgnoresStart))]
    [InlineData(nameof(OddS3.KnowsOnlyVersion1))]
    public async Task A_service_that_ignores_where_a_list_begins_is_refused_with_the_setting_to_try(string habit)
    {
        using var service = Odd(habit);
        using var storage = service.Open();

        var error = await Assert.ThrowsAsync<MigrationException>(() => NamesAsync(storage, "wal_005/", Names[4]));

        Assert.Contains($"after 'p/{Names[4]}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("WALG_S3_USE_LIST_OBJECTS_V1", error.Message, StringComparison.Ordinal);
        Assert.Single(service.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Version_1_lists_a_service_that_knows_no_other(bool givesMarker)
    {
        using var service = new OddS3 { KnowsOnlyVersion1 = true, GivesMarker = givesMarker };
        Fill(service);
        using var storage = service.Open(usesListV1: true);

        Assert.Equal(Names, await NamesAsync(storage, "wal_005/"));
        Assert.Equal(Names[5..], await NamesAsync(storage, "wal_005/", Names[4]));
        Assert.Equal(1, (await storage.FindAsync(Names[0]))!.Length);
        Assert.DoesNotContain(service.Requests, request => request.Contains("list-type=2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(nameof(OddS3.IgnoresStart))]
    [InlineData(nameof(OddS3.IgnoresPrefix))]
    public async Task Version_1_is_checked_alike(string habit)
    {
        using var service = Odd(habit);
        using var storage = service.Open(usesListV1: true);
        Assert.Equal("ArchiveListingInvalid", (await Assert.ThrowsAsync<MigrationException>(() => NamesAsync(storage, "wal_005/"))).ErrorId);
        Assert.InRange(service.Requests.Count, 1, 5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Both_versions_list_an_ordinary_service_alike(bool usesListV1)
    {
        var access = s3.NewArchive() with { UsesListV1 = usesListV1 };
        using var storage = ArchiveStorage.Open(access);
        await Parallel.ForEachAsync(Names, async (name, cancel) => await storage.WriteAsync(name, new MemoryStream([1, 2]), cancel));

        Assert.Equal(Names, await NamesAsync(storage, "wal_005/"));
        Assert.Equal(Names[5..], await NamesAsync(storage, "wal_005/", Names[4]));
        Assert.Empty(await NamesAsync(storage, "nothing/"));
        Assert.Null(await storage.FindAsync("nothing"));
    }

    [Fact]
    public async Task An_empty_part_of_a_prefix_is_kept()
    {
        using var service = new OddS3();
        service.Put("a//b/wal_005/x", [1, 2, 3]);
        service.Put("a/b/wal_005/other");
        using var storage = service.Open("a//b/");

        Assert.Equal("s3://b/a//b", storage.Url);
        Assert.Equal(["wal_005/x"], await NamesAsync(storage, "wal_005/"));
        Assert.Equal(3, (await storage.FindAsync("wal_005/x"))!.Length);
        Assert.Equal([1, 2, 3], await Some.AllAsync(await storage.OpenReadAsync("wal_005/x")));
    }

    [Fact]
    public async Task A_backup_folder_with_odd_names_does_not_hold_up_the_list_of_backups()
    {
        using var service = new OddS3 { PageSize = 1000 };
        for (int i = 0; i < 600; i++)
        {
            service.Put(string.Create(CultureInfo.InvariantCulture, $"p/basebackups_005/base_000000010000000000000002/~~{i:000}"));
        }

        service.Put("p/basebackups_005/base_000000010000000000000002_backup_stop_sentinel.json", """{"LSN": 33554472, "FinishLSN": 33554700}"""u8.ToArray());
        using var storage = service.Open();

        Assert.Equal("base_000000010000000000000002", Assert.Single(await BackupCatalog.ListAsync(storage)).Name);
        Assert.InRange(service.Requests.Count, 2, 6);
    }

    [Fact]
    public async Task Names_that_are_no_timeline_do_not_hold_up_a_survey()
    {
        using var service = new OddS3 { PageSize = 1000 };
        service.Put("p/wal_005/000000010000000000000002.lz4", [4, 0x22]);
        service.Put("p/wal_005/00000001~"); // sorts after everything of its timeline
        service.Put("p/wal_005/0000000a0000000000000002.lz4"); // WAL-G writes capitals, which sort before small letters
        using var storage = service.Open();

        var report = await ArchiveSurvey.RunAsync(storage, new WalBackup
        {
            Name = "base_000000010000000000000002", Archive = storage.Url, StartSegment = WalSegmentName.Parse("000000010000000000000002"), Time = DateTimeOffset.UtcNow,
        });

        Assert.InRange(service.Requests.Count, 1, 20);
        Assert.Equal(1, report.Segments);
    }

    private static OddS3 Odd(string habit)
    {
        var service = new OddS3
        {
            GivesNoToken = habit == nameof(OddS3.GivesNoToken), RepeatsToken = habit == nameof(OddS3.RepeatsToken), GivesEmptyPages = habit == nameof(OddS3.GivesEmptyPages),
            IgnoresStart = habit == nameof(OddS3.IgnoresStart), KnowsOnlyVersion1 = habit == nameof(OddS3.KnowsOnlyVersion1),
            IgnoresPrefix = habit == nameof(OddS3.IgnoresPrefix), ListsBackwards = habit == nameof(OddS3.ListsBackwards),
        };
        Fill(service);
        return service;
    }

    private static void Fill(OddS3 service)
    {
        service.Put("other/x");
        foreach (string name in Names)
        {
            service.Put($"p/{name}");
        }
    }

    private static async Task<List<string>> NamesAsync(IArchiveStorage storage, string prefix, string? startAfter = null)
    {
        var names = new List<string>();
        await foreach (var found in storage.ListAsync(prefix, startAfter))
        {
            names.Add(found.Name);
        }

        return names;
    }
}
