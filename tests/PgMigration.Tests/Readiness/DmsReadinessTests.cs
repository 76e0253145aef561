using Npgsql;

namespace PgMigration.Tests;

[Collection(PostgresCollection.Name)]
public sealed class DmsReadinessTests(TestPostgres postgres)
{
    /// <summary>One of each thing that DMS loses, cuts, alters or refuses; and a table that is as it should be.</summary>
    private static readonly string[] Troubles =
    [
        "CREATE TABLE fine (id bigint PRIMARY KEY, n numeric(10,2), s varchar(20), at timestamptz)", "INSERT INTO fine VALUES (1, 2, 'x', now())", "ANALYZE fine",
        "CREATE TABLE \"No Key\" (a int)", "INSERT INTO \"No Key\" VALUES (1)",
        "CREATE TABLE full_identity (a int)", "ALTER TABLE full_identity REPLICA IDENTITY FULL",
        "CREATE TABLE arrays (tags int[])", "CREATE TABLE mute (id int PRIMARY KEY)", "ALTER TABLE mute REPLICA IDENTITY NOTHING",
        "CREATE TABLE lost (id int PRIMARY KEY, u int NOT NULL)", "CREATE UNIQUE INDEX lost_u ON lost (u)", "ALTER TABLE lost REPLICA IDENTITY USING INDEX lost_u", "DROP INDEX lost_u", "CREATE TABLE later (id int PRIMARY KEY DEFERRABLE)",
        "CREATE TABLE country (code varchar(2) PRIMARY KEY)", "CREATE TABLE city (id int PRIMARY KEY, code varchar(2) REFERENCES country ON UPDATE CASCADE)",
        "CREATE TABLE slugs (slug text PRIMARY KEY)", "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)", "CREATE TABLE computed (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)",
        "CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY)", "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)", "CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE events (id int PRIMARY KEY)", "CREATE TABLE visits (PRIMARY KEY (id)) INHERITS (events)",
        "CREATE TABLE odd (id int PRIMARY KEY, n numeric, cash money, until date, span int4range)", "INSERT INTO odd SELECT i, 1.5, 3, CASE WHEN i % 2 = 0 THEN 'infinity' ELSE '2020-01-01' END::date, '[1,2)' FROM generate_series(1, 50) i", "ANALYZE odd",
        "CREATE TABLE fresh (id int PRIMARY KEY, until date)", "INSERT INTO fresh VALUES (1, 'infinity')",
        "CREATE DOMAIN story AS text NOT NULL", "CREATE TABLE tales (id int PRIMARY KEY, tale story, pic bytea)", "INSERT INTO tales VALUES (1, repeat('é', 20000), repeat('x', 1000)::bytea)",
        "CREATE TABLE secrets (id int PRIMARY KEY)", "ALTER TABLE secrets ENABLE ROW LEVEL SECURITY", "SELECT lo_create(0)",
    ];

    [Fact]
    public async Task Each_thing_that_DMS_mishandles_is_a_finding_with_its_object_its_consequence_and_its_fix()
    {
        var source = await postgres.CreateDatabaseAsync("dms");
        await TestPostgres.ExecuteAsync(source, Troubles);
        await TestPostgres.ExecuteAsync(source, "ALTER TABLE secrets FORCE ROW LEVEL SECURITY");

        var findings = await Readiness.ReadAsync(source);

        Assert.Equal(
        [
            "Blocker ArrayWithoutPrimaryKey public.arrays", "Blocker DeferrablePrimaryKey public.later", "Blocker GeneratedColumn public.computed.twice", "Blocker InfiniteDate public.odd.until", "Blocker LargeDomainNotNull public.tales.tale",
            "Blocker LargeKey public.slugs.slug", "Blocker LargeObjects 1 large objects (pg_largeobject)", $"Blocker MayNotReplicate login {source.User}", "Blocker ReplicaIdentityIndexGone public.lost", "Blocker ReplicaIdentityNothing public.mute", "Blocker RowSecurity public.secrets",
            "Warning InfiniteDateUnknown public.fresh", "Warning InheritedTable public.events", "Warning KeyIsUpdated public.country", "Warning LargeColumn public.tales.tale", "Warning Money public.odd.cash",
            "Warning NoPrimaryKey public.\"No Key\"", "Warning NoPrimaryKey public.arrays", "Warning TypeMisread public.odd.span", "Warning UnboundedNumeric public.odd.n", "Warning UnloggedTable public.scratch",
        ],
        findings.Where(finding => finding.Severity > FindingSeverity.Info && finding.Name is not ("SlotUnbounded" or "SlotInactive" or "LongTransaction")).Select(finding => $"{finding.Severity} {finding.Name} {finding.Subject}").Order(StringComparer.Ordinal));
        Assert.All(findings, finding => Assert.False(string.IsNullOrWhiteSpace(finding.Consequence) || string.IsNullOrWhiteSpace(finding.Fix) || finding.Fix.Contains('{', StringComparison.Ordinal)));
        Assert.Equal(findings.Select(finding => finding.Severity).OrderDescending(), findings.Select(finding => finding.Severity));
        Assert.Contains("40,000 bytes", Assert.Single(findings, finding => finding is { Name: "LargeColumn", Subject: "public.tales.tale" }).Consequence, StringComparison.Ordinal);
        Assert.Equal(FindingSeverity.Info, Assert.Single(findings, finding => finding is { Name: "LargeColumn", Subject: "public.tales.pic" }).Severity);
    }

    [Fact]
    public async Task The_rights_of_the_login_that_DMS_will_have_are_looked_at_not_those_of_the_one_that_asks()
    {
        var source = await postgres.CreateDatabaseAsync("dms", asSuperuser: true);
        string login = $"{source.Database}_dms";
        await TestPostgres.ExecuteAsync(source, "CREATE TABLE hidden (id int PRIMARY KEY)", "CREATE TABLE secret (id int PRIMARY KEY)", "ALTER TABLE secret ENABLE ROW LEVEL SECURITY", "CREATE TABLE open (id int PRIMARY KEY)");

        Assert.Equal([$"DmsLoginMissing login {login}"], await BlockersAsync());

        await TestPostgres.ExecuteAsync(source, $"CREATE ROLE {login} LOGIN", $"ALTER ROLE {login} SET statement_timeout = '5s'", $"GRANT SELECT ON secret, open TO {login}");

        Assert.Equal([$"MayNotReplicate login {login}", "NotReadable public.hidden", "RowSecurity public.secret", $"StatementTimeout statement_timeout = 5s for {login}"], await BlockersAsync());

        await TestPostgres.ExecuteAsync(source, $"ALTER ROLE {login} REPLICATION BYPASSRLS", $"ALTER ROLE {login} SET statement_timeout = 0", $"GRANT SELECT ON hidden TO {login}");

        Assert.Empty(await BlockersAsync());

        async Task<string[]> BlockersAsync() =>
            [.. (await Readiness.ReadAsync(source, options: new ReadinessOptions { DmsLogin = login })).Where(finding => finding.Severity == FindingSeverity.Blocker).Select(finding => $"{finding.Name} {finding.Subject}").Order(StringComparer.Ordinal)];
    }

    [Theory]
    [InlineData("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", "IdentityAlways")]
    [InlineData("CREATE TABLE t (id int PRIMARY KEY, b text NOT NULL)", "LargeColumnNotNull")]
    public async Task The_fix_of_a_finding_on_the_target_mends_it(string table, string name)
    {
        var source = await postgres.CreateDatabaseAsync("dms", asSuperuser: true);
        var target = await postgres.CreateDatabaseAsync("aurora", asSuperuser: true);
        await TestPostgres.ExecuteAsync(source, table);
        await TestPostgres.ExecuteAsync(target, table);

        var finding = Assert.Single(await Readiness.ReadAsync(source, target), finding => finding.Name == name);
        await TestPostgres.ExecuteAsync(target, finding.Fix);

        Assert.DoesNotContain(await Readiness.ReadAsync(source, target), finding => finding.Name == name);
    }

    [Fact]
    public async Task What_the_target_lacks_is_found_and_gone_once_the_schema_was_copied()
    {
        var source = await postgres.CreateDatabaseAsync("dms", asSuperuser: true);
        await TestPostgres.ExecuteAsync(source, "CREATE EXTENSION hstore", "CREATE TABLE a (id int PRIMARY KEY, tags hstore NOT NULL)", "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)", "CREATE TABLE keyed (id int PRIMARY KEY)");
        var target = await postgres.CreateDatabaseAsync("aurora");
        await TestPostgres.ExecuteAsync(target, "CREATE TABLE keyed (id int)");

        var before = await Readiness.ReadAsync(source, target);
        await TestPostgres.ExecuteAsync(target, "DROP TABLE keyed");
        await SchemaCopy.ApplyAsync(await SchemaCopy.PlanAsync(source, target, new SchemaCopyOptions { Section = SchemaSection.PreData }));
        var after = await Readiness.ReadAsync(source, target);

        Assert.Equal(["ReplicaRoleDenied session_replication_role on the target", "TableMissing 2 of 3 tables: public.a, public.b", "TargetWithoutPrimaryKey public.keyed"],
            before.Where(Is("TableMissing", "TargetWithoutPrimaryKey", "ReplicaRoleDenied")).Select(finding => $"{finding.Name} {finding.Subject}").Order(StringComparer.Ordinal));
        Assert.Contains(before, finding => finding is { Name: "ExtensionNotMade", Subject: "extension hstore" });
        Assert.Equal(["ReplicaRoleDenied"], after.Where(Is("TableMissing", "TargetWithoutPrimaryKey", "ReplicaRoleDenied", "ExtensionNotMade", "LargeColumnNotNull", "IdentityAlways")).Select(finding => finding.Name));

        static Func<ReadinessFinding, bool> Is(params string[] names) => finding => names.Contains(finding.Name);
    }

    [Fact]
    public async Task A_server_as_DMS_wants_it_has_no_blocker_and_its_gate_holds_until_something_stands_in_the_way()
    {
        var source = await postgres.CreateDatabaseAsync("dms", asSuperuser: true);
        var target = await postgres.CreateDatabaseAsync("aurora", asSuperuser: true);
        foreach (var server in new[] { source, target })
        {
            await TestPostgres.ExecuteAsync(server, "CREATE TABLE t (id int PRIMARY KEY, body text)");
        }

        var gate = new ReadinessGate(source, target, new ReadinessOptions()) { Name = "ready", Timeout = TimeSpan.FromMinutes(1) };
        var open = await gate.TestAsync();
        await TestPostgres.ExecuteAsync(source, "BEGIN; CREATE TABLE half_done (id int PRIMARY KEY); PREPARE TRANSACTION 'stuck'");
        var closed = await gate.TestAsync();
        await TestPostgres.ExecuteAsync(source, "ROLLBACK PREPARED 'stuck'");

        Assert.True(open.Passed, open.Seen);
        Assert.False(closed.Passed);
        Assert.Contains("TransactionPrepared ('stuck' of postgres)", closed.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_of_a_source_that_DMS_could_not_use_are_found()
    {
        await using var source = await TestPostgres.StartAsync(["wal_level = replica", "max_replication_slots = 0", "max_wal_senders = 0", "wal_sender_timeout = 5s", "max_slot_wal_keep_size = 100MB", "logical_decoding_work_mem = 1MB", "statement_timeout = 5min"]);

        var findings = await Readiness.ReadAsync(source.Server);

        Assert.Equal(["DecodingMemory", "NoSenderFree", "NoSlotFree", "SlotBoundSmall", "StatementTimeout", "TwoPhaseCommits", "WalLevel", "WalSenderTimeout"], findings.Select(finding => finding.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_host_that_archives_nothing_and_a_login_that_cannot_fence_are_blockers_for_a_restore()
    {
        var source = (await postgres.CreateDatabaseAsync("wal", asSuperuser: true)).WithUser("needs_nothing");
        await TestPostgres.ExecuteAsync(postgres.Server, "CREATE ROLE needs_nothing LOGIN");
        await TestPostgres.ExecuteAsync(postgres.Server.WithDatabase(source.Database), "CREATE TABLE theirs (id int PRIMARY KEY)", "CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY)");

        var findings = await Readiness.ReadAsync(source, options: new ReadinessOptions { Way = MigrationWay.Wal });

        Assert.Subset(findings.Select(finding => $"{finding.Severity} {finding.Name}").ToHashSet(), new HashSet<string> { "Blocker ArchiveOff", "Blocker FenceObstacle", "Blocker MarkNotAllowed", "Warning UnloggedTable" });
        Assert.DoesNotContain(findings, finding => finding.Name is "ExtensionMissing" or "LocaleMissing" or "PostgresMissing");
    }
}
