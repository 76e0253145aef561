using System.Runtime.Versioning;

namespace PgMigration.Tests;

[SupportedOSPlatform("linux")]
public sealed class StandbyFindingsTests(TroubledCopy copy) : IClassFixture<TroubledCopy>
{
    [Fact]
    public void A_library_that_is_missing_here_is_a_blocker_that_names_the_extension_and_its_database()
    {
        var finding = One("LibraryMissing");

        Assert.Equal((FindingSeverity.Blocker, "other", "extension pg_trgm"), (finding.Severity, finding.Database, finding.Subject));
        Assert.Contains("$libdir/gone-3", finding.Consequence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_collation_of_another_version_names_the_indexes_to_rebuild_and_no_others()
    {
        var finding = Assert.Single(copy.Link.Findings, finding => finding.Name == "CollationVersionDiffers" && finding.Database != "other");

        Assert.Equal(FindingSeverity.Blocker, finding.Severity);
        Assert.Equal(["public.person_name"], finding.Indexes);
        Assert.Contains("REINDEX INDEX public.person_name;", finding.Fix, StringComparison.Ordinal);
        Assert.Contains("ALTER COLLATION public.\"German\" REFRESH VERSION;", finding.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public void A_databases_own_collation_of_another_version_names_its_indexes_too()
    {
        var finding = Assert.Single(copy.Link.Findings, finding => finding.Name == "CollationVersionDiffers" && finding.Database == "other");

        Assert.Equal(["public.word_pkey"], finding.Indexes);
        Assert.Contains("ALTER DATABASE other REFRESH COLLATION VERSION;", finding.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_it_says_about_collations_mends_them_after_the_promotion()
    {
        var finding = Assert.Single(copy.Link.Findings, finding => finding.Name == "CollationVersionDiffers" && finding.Database != "other");
        string[] statements = [.. finding.Fix.Split('\n').Where(line => line.EndsWith(';'))];
        await TestPostgres.ExecuteAsync(copy.Source.Admin, statements); // the source can be written to, and has the same trouble

        Assert.DoesNotContain(await StandbyFindings.ReadAsync(copy.Source.Admin), again => again.Name == finding.Name && again.Database == finding.Database);
    }

    [Fact]
    public void An_index_that_was_left_half_built_is_named() => Assert.Equal("index public.half_built", One("IndexInvalid").Subject);

    [Fact]
    public void An_unlogged_table_is_said_to_arrive_empty()
    {
        Assert.Contains("public.\"Scratch\"", One("UnloggedTable").Subject, StringComparison.Ordinal);
        Assert.Contains("empty", One("UnloggedTable").Consequence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prepared_transaction_is_named_with_the_source_and_counted_without()
    {
        Assert.Contains("order 4711", One("TransactionPrepared").Subject, StringComparison.Ordinal);

        var alone = await WalRestore.FindAsync(copy.DataDirectory, source: null, IMigrationObserver.None);
        Assert.Contains(alone.Findings, finding => finding.Name == "TransactionPrepared");
    }

    [Fact]
    public void The_gravest_come_first_and_each_is_a_warning_of_the_restore()
    {
        Assert.Equal(copy.Link.Findings.Select(finding => finding.Severity).OrderDescending(), copy.Link.Findings.Select(finding => finding.Severity));
        Assert.All(copy.Link.Findings.Where(finding => finding.Severity > FindingSeverity.Info), finding => Assert.Contains(copy.Warnings, warning => warning.Contains(finding.Name, StringComparison.Ordinal)));
    }

    private ReadinessFinding One(string name) => Assert.Single(copy.Link.Findings, finding => finding.Name == name);
}
