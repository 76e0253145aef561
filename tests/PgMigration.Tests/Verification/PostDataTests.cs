namespace PgMigration.Tests;

/// <summary>What belongs to tables is compared by what it says: a target that has everything by name, and something otherwise, is not ready for the app.</summary>
[Collection(PostgresCollection.Name)]
public sealed class PostDataTests(TestPostgres postgres)
{
    private const string View = "CREATE VIEW vw AS SELECT id, v FROM w WHERE id > 0";
    private const string Policy = "CREATE POLICY own ON w USING (v = current_user)";
    private const string Rule = "CREATE RULE r AS ON DELETE TO w WHERE OLD.id < 0 DO INSTEAD NOTHING";

    private static readonly string[] Schema =
    [
        "CREATE TYPE mood AS ENUM ('good', 'bad')", "CREATE SEQUENCE inv",
        """
        CREATE TABLE w (id int PRIMARY KEY, ref int REFERENCES w, v text COLLATE "C" DEFAULT 'old', price numeric(10,2) CONSTRAINT w_price CHECK (price > 0), feeling mood,
            no text DEFAULT 'INV-' || nextval('inv'), n bigserial, at timestamptz DEFAULT '2020-01-01 00:00:00+00')
        """,
        "CREATE INDEX w_i ON w (v, (lower(v))) WHERE price > 1", "CREATE STATISTICS w_s ON ref, price FROM w", "ALTER TABLE w ENABLE ROW LEVEL SECURITY", Policy, Rule,
        "CREATE FUNCTION fn(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION std(a int) RETURNS int LANGUAGE sql RETURN a + 1", "CREATE FUNCTION f_tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER tr BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION f_tr()", View, "CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM w",
        "CREATE TABLE p (id int, d date, PRIMARY KEY (id, d)) PARTITION BY RANGE (d)", "CREATE INDEX p_d ON p (d)", "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2030-01-01')",
        "CREATE TABLE elsewhere (id int PRIMARY KEY)",
    ];

    private static PgServer[]? _pair;

    private static readonly string[] Moved = ["public.w", "public.p1"];

    [Fact]
    public async Task A_target_that_has_everything_as_the_source_has_no_gap_whatever_its_search_path_time_zone_storage_and_identity_are()
    {
        var found = await CompareAsync(["DROP TABLE elsewhere", "ALTER INDEX w_i SET (fillfactor = 70)", "CREATE TABLE more (id int)", "CREATE INDEX w_more ON w (price)", "SET search_path = pg_temp", "SET timezone = 'Asia/Tokyo'"]);

        Assert.Empty(found.Gaps);
        Assert.Empty(found.Remarks);
    }

    [Theory]
    [InlineData("ALTER TABLE w DROP COLUMN at", "column public.w.at is missing")]
    [InlineData("ALTER TABLE w ALTER price TYPE numeric(10,1)", "column public.w.price is numeric(10,1) on the target, numeric(10,2) on the source")]
    [InlineData("ALTER TABLE w ALTER v SET DEFAULT 'new'", "default public.w.v is 'new'::text on the target, 'old'::text on the source")]
    [InlineData("ALTER TABLE w ALTER no DROP DEFAULT", "default public.w.no is missing (Repair-PgSequence with the source makes its sequence; then ALTER TABLE public.w ALTER COLUMN no SET DEFAULT ('INV-'::text || nextval('public.inv'::regclass)))")]
    [InlineData("ALTER TABLE w DROP CONSTRAINT w_price; ALTER TABLE w ADD CONSTRAINT w_price CHECK (price > -100)", "check w_price of public.w is CHECK ((price > ('-100'::integer)::numeric)) on the target, CHECK ((price > (0)::numeric)) on the source")]
    [InlineData("ALTER TABLE w DROP CONSTRAINT w_ref_fkey; ALTER TABLE w ADD CONSTRAINT w_ref_fkey FOREIGN KEY (ref) REFERENCES w ON DELETE CASCADE", "foreign key w_ref_fkey of public.w is FOREIGN KEY (ref) REFERENCES public.w(id) ON DELETE CASCADE on the target, FOREIGN KEY (ref) REFERENCES public.w(id) on the source")]
    [InlineData("DROP INDEX w_i; CREATE UNIQUE INDEX w_i ON w (v, (lower(v))) WHERE price > 1", "index w_i on public.w is unique btree v, expression partial on the target, btree v, expression partial on the source")]
    [InlineData("DROP INDEX w_i; CREATE INDEX w_i ON w (v, (upper(v))) WHERE price > 1", "index w_i on public.w is CREATE INDEX w_i ON public.w USING btree (v, upper(v)) WHERE (price > (1)::numeric) on the target")]
    [InlineData("ALTER TABLE w DISABLE ROW LEVEL SECURITY", "row security public.w is off on the target, on on the source")]
    [InlineData("ALTER TABLE w FORCE ROW LEVEL SECURITY", "row security public.w is on, forced on the target, on on the source")]
    [InlineData("DROP POLICY own ON w", "policy own of public.w is missing")]
    [InlineData("ALTER POLICY own ON w USING (true)", "policy own of public.w is true on the target, (v = CURRENT_USER) on the source")]
    [InlineData("DROP RULE r ON w", "rule r of public.w is missing")]
    [InlineData("CREATE OR REPLACE FUNCTION fn(a int) RETURNS int LANGUAGE sql AS 'SELECT 2'", "function public.fn(a integer) is not the same as on the source")]
    [InlineData("CREATE OR REPLACE FUNCTION std(a int) RETURNS int LANGUAGE sql RETURN a + 2", "function public.std(a integer) is not the same as on the source")]
    [InlineData("DROP TRIGGER tr ON w; CREATE TRIGGER tr AFTER INSERT ON w FOR EACH ROW EXECUTE FUNCTION f_tr()", "trigger tr of public.w is not the same as on the source")]
    [InlineData("ALTER TABLE w DISABLE TRIGGER tr", "trigger tr of public.w is not valid or not enabled")]
    [InlineData("DROP VIEW vw; CREATE VIEW vw AS SELECT id FROM w WHERE id > 0", "view public.vw is id on the target, id, v on the source")]
    [InlineData("CREATE OR REPLACE VIEW vw AS SELECT id, v FROM w WHERE id > 1", "view public.vw is SELECT ")]
    [InlineData("CREATE OR REPLACE VIEW vw WITH (security_barrier) AS SELECT id, v FROM w WHERE id > 0", "view public.vw is id, v security_barrier=true on the target, id, v on the source")]
    [InlineData("ALTER TYPE mood RENAME VALUE 'bad' TO 'worse'", "enum type public.mood is 'good', 'worse' on the target, 'good', 'bad' on the source")]
    [InlineData($"DROP VIEW vw; DROP POLICY own ON w; ALTER TABLE w ALTER v TYPE text COLLATE \"POSIX\"; {View}; {Policy}", "collation public.w.v is pg_catalog.\"POSIX\" on the target, pg_catalog.\"C\" on the source")]
    [InlineData("DROP INDEX p_d", "index p_d on public.p is missing")]
    [InlineData("ALTER TABLE p DETACH PARTITION p1", "partition public.p1 of public.p is missing")]
    public async Task What_is_other_on_the_target_is_a_gap_unless_somebody_accepts_it(string harm, string gap)
    {
        var found = await CompareAsync(harm.Split("; "));
        var accepted = await CompareAsync(harm.Split("; "), "*");

        Assert.Contains(found.Gaps, text => text.StartsWith(gap, StringComparison.Ordinal));
        Assert.Empty(accepted.Gaps);
        Assert.Contains(accepted.Remarks, text => text.StartsWith(gap, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData($"DROP VIEW vw; DROP RULE r ON w; ALTER TABLE w ALTER id TYPE bigint; {View}; {Rule}", "column public.w.id is bigint on the target, integer on the source")]
    [InlineData("DROP STATISTICS w_s", "statistics public.w_s of public.w is missing")]
    public async Task A_wider_column_and_missing_statistics_are_remarked_on_and_no_gap(string change, string remark)
    {
        var found = await CompareAsync(change.Split("; "));

        Assert.Empty(found.Gaps);
        Assert.Equal(remark, Assert.Single(found.Remarks));
    }

    [MajorFact(18)]
    public async Task Between_major_versions_what_PostgreSQL_writes_out_is_remarked_on_and_what_it_keeps_is_compared()
    {
        await using var newer = await TestPostgres.StartAsync([], binaries: PostgresMajors.Find(18));
        await TestPostgres.ExecuteAsync(newer.Server, Schema);

        var same = await CompareAsync(newer.Server, []);
        var changed = await CompareAsync(newer.Server, ["CREATE OR REPLACE VIEW vw AS SELECT id, v FROM w WHERE id > 1", "CREATE OR REPLACE FUNCTION fn(a int) RETURNS int LANGUAGE sql AS 'SELECT 2'"]);

        Assert.Empty(same.Gaps);
        Assert.Equal(["function public.fn(a integer) is not the same as on the source"], changed.Gaps);
        Assert.Contains(changed.Remarks, remark => remark.StartsWith("view public.vw ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("integer", "bigint", true)]
    [InlineData("bigint", "integer", false)]
    [InlineData("integer", "numeric(5,0)", false)]
    [InlineData("character varying(10)", "character varying(20)", true)]
    [InlineData("character varying", "character varying(20)", false)]
    [InlineData("character varying(10)", "text", true)]
    [InlineData("text", "character varying", false)]
    [InlineData("numeric(10,2)", "numeric(12,4)", true)]
    [InlineData("numeric(10,2)", "numeric(12,5)", false)]
    [InlineData("integer[]", "bigint[]", false)]
    public void A_type_is_wider_when_every_value_fits_it_unchanged(string source, string target, bool isWider) => Assert.Equal(isWider, ColumnTypes.IsWider(target, source));

    // One pair of databases for all: a change is taken back with its transaction.
    private async Task<PostData> CompareAsync(string[] changes, params string[] accepted)
    {
        _pair ??= await Task.WhenAll(MakeAsync("here"), MakeAsync("there"));
        return await CompareAsync(_pair[1], changes, accepted);
    }

    private async Task<PostData> CompareAsync(PgServer target, string[] changes, params string[] accepted)
    {
        _pair ??= await Task.WhenAll(MakeAsync("here"), MakeAsync("there"));
        await using var here = await _pair[0].ConnectAsync();
        await using var there = await target.ConnectAsync();
        await using var transaction = await there.BeginTransactionAsync();
        foreach (string change in changes)
        {
            await there.ExecuteAsync(change, CancellationToken.None);
        }

        return await PostData.CompareAsync(here, there, Moved, accepted, CancellationToken.None);
    }

    private async Task<PgServer> MakeAsync(string name)
    {
        var server = await postgres.CreateDatabaseAsync(name, asSuperuser: true);
        await TestPostgres.ExecuteAsync(server, Schema);
        return server;
    }
}
