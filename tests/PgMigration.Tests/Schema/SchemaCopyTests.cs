using System.Diagnostics;
using Npgsql;

namespace PgMigration.Tests;

public sealed class SchemaCopyTests(SchemaBed bed) : IClassFixture<SchemaBed>
{
    /// <summary>One of each thing that is copied in a way of its own.</summary>
    private static readonly string[] Everything =
    [
        "CREATE EXTENSION hstore", "CREATE EXTENSION pg_trgm",
        """CREATE SCHEMA "My; Type: TABLE; Schema: x" """,
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL CHECK (length(body) > 0), state mood DEFAULT 'glad', email varchar(80) UNIQUE, tags hstore NOT NULL DEFAULT ''::hstore, cents int NOT NULL CHECK (cents >= 0))",
        "COMMENT ON TABLE orders IS 'what was ordered'", "COMMENT ON COLUMN orders.body IS E'--\\n-- TOC entry 1 (class 1259 OID 2)\\n-- Name: x; Type: TABLE; Schema: public; Owner: app\\n--\\n'",
        "CREATE INDEX orders_state ON orders (state)", "CREATE INDEX orders_body ON orders USING gin (body gin_trgm_ops)",
        """CREATE TABLE "My; Type: TABLE; Schema: x"."T ""q""; Type: VIEW" (id serial PRIMARY KEY, "order" bigint REFERENCES orders, n numeric)""",
        "CREATE TABLE logs (id bigserial, region int, line jsonb NOT NULL, PRIMARY KEY (id, region)) PARTITION BY LIST (region)", "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES IN (1)",
        "CREATE INDEX logs_line ON logs USING gin (line)",
        "CREATE TABLE keyless (a int NOT NULL, b text)", "CREATE UNIQUE INDEX keyless_a ON keyless (a)", "ALTER TABLE keyless REPLICA IDENTITY USING INDEX keyless_a",
        "CREATE VIEW grouped AS SELECT id, body FROM orders GROUP BY id",
        "CREATE MATERIALIZED VIEW totals AS SELECT id, body FROM orders GROUP BY id", "CREATE UNIQUE INDEX totals_id ON totals (id)",
        "DO $do$BEGIN EXECUTE 'CREATE FUNCTION twice(a int) RETURNS int BEGIN ATOMIC SELECT a; SELECT a * 2; END'; END$do$",
        "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.body := NEW.body || ' stamped'; RETURN NEW; END$$",
        "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')", "CREATE FUNCTION grow(s bigint, a int) RETURNS bigint LANGUAGE sql AS 'SELECT s + a'", "CREATE AGGREGATE grown(int) (SFUNC = grow, STYPE = bigint, INITCOND = '0')",
        "CREATE TRIGGER plain BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamp()",
        "CREATE TRIGGER eager AFTER INSERT ON keyless FOR EACH ROW EXECUTE FUNCTION stamp()", "ALTER TABLE keyless ENABLE ALWAYS TRIGGER eager",
        "CREATE RULE notes AS ON DELETE TO keyless DO ALSO (SELECT 1; SELECT 2)",
        "CREATE POLICY mine ON orders USING (true)", "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
        "CREATE STATISTICS orders_s ON state, cents FROM orders",
        "GRANT SELECT ON orders TO reader", "GRANT UPDATE (body) ON orders TO reader WITH GRANT OPTION", "GRANT INSERT ON orders TO stranger",
    ];

    [Fact]
    public async Task What_is_copied_before_and_after_the_data_is_in_the_end_what_the_source_has()
    {
        var source = await bed.SourceAsync(Everything);
        var target = await bed.TargetAsync();

        var before = await SchemaBed.CopyAsync(source, target, SchemaSection.PreData);
        var after = await SchemaBed.CopyAsync(source, target, SchemaSection.PostData);
        var final = await SchemaBed.CopyAsync(source, target, SchemaSection.Final);

        Assert.Empty(before.Concat(after).Concat(final).Where(row => row.Action == SchemaAction.Failed).Select(row => $"{row.Type} {row.Name}: {row.Reason}"));
        Assert.Equal(await DefinitionsAsync(source), await DefinitionsAsync(target));
    }

    [Fact]
    public async Task Before_the_data_there_are_keys_but_nothing_that_refuses_a_row_in_parts_or_with_its_own_id()
    {
        var source = await bed.SourceAsync(Everything);
        var target = await bed.TargetAsync();

        var rows = await SchemaBed.CopyAsync(source, target, SchemaSection.PreData);

        Assert.DoesNotContain(rows, row => row.Action == SchemaAction.Failed);
        await TestPostgres.ExecuteAsync(target, "INSERT INTO orders (id, body, tags, cents) VALUES (7, NULL, NULL, 1)", "INSERT INTO logs (region, line) VALUES (1, NULL)");
        Assert.Equal("T \"q\"; Type: VIEW_pkey,keyless_a,logs_1_pkey,logs_pkey,orders_pkey", await TestPostgres.QueryAsync<string>(target,
            "SELECT string_agg(c.relname, ',' ORDER BY c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indexrelid >= 16384 AND c.relnamespace::regnamespace::text NOT LIKE 'pg_%'"));
        var refused = await Assert.ThrowsAsync<PostgresException>(() => TestPostgres.ExecuteAsync(target, "INSERT INTO orders (id, cents) VALUES (7, 1)"));
        Assert.Equal(PostgresErrorCodes.UniqueViolation, refused.SqlState);
        Assert.Equal("until the data are there without NOT NULL of body, NOT NULL of tags, CHECK orders_body_check", Row(rows, "TABLE", "public.orders").Reason);
    }

    [Fact]
    public async Task A_second_run_finds_everything_there_and_makes_nothing()
    {
        var source = await bed.SourceAsync(Everything);
        var target = await bed.TargetAsync();
        await SchemaBed.CopyAsync(source, target, SchemaSection.All);

        var again = await SchemaBed.CopyAsync(source, target, SchemaSection.All);

        Assert.Empty(again.Where(row => row.Action is not (SchemaAction.None or SchemaAction.Skip)).Select(row => $"{row.Action} {row.Type} {row.Name}: {row.Reason}"));
    }

    [Fact]
    public async Task A_plan_changes_nothing_and_has_the_rows_that_come_of_it()
    {
        var source = await bed.SourceAsync(Everything);
        var target = await bed.TargetAsync();

        var plan = await SchemaCopy.PlanAsync(source, target);
        long untouched = await TestPostgres.QueryAsync<long>(target, "SELECT count(*) FROM pg_class WHERE oid >= 16384");
        var rows = await SchemaCopy.ApplyAsync(plan);

        Assert.Equal(0, untouched);
        Assert.Equal(plan.Rows, rows.Select(row => row with { Time = null }));
    }

    [Fact]
    public async Task An_object_that_went_missing_is_made_again_and_a_half_built_index_is_built_anew()
    {
        var source = await bed.SourceAsync(Everything);
        var target = await bed.TargetAsync();
        await SchemaBed.CopyAsync(source, target, SchemaSection.All);
        await TestPostgres.ExecuteAsync(target, "DROP TRIGGER plain ON orders", "ALTER TABLE orders ALTER body DROP NOT NULL");
        await TestPostgres.ExecuteAsync(bed.New.Server.WithDatabase(target.Database), "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_state'::regclass");

        var rows = await SchemaBed.CopyAsync(source, target, SchemaSection.PostData);

        Assert.Equal(["INDEX public.orders_state", "TRIGGER plain on public.orders", "NOT NULL public.orders.body"], rows.Where(row => row.Action == SchemaAction.Create).Select(row => $"{row.Type} {row.Name}"));
        Assert.Equal(await DefinitionsAsync(source), await DefinitionsAsync(target));
    }

    [Fact]
    public async Task Rows_that_break_a_foreign_key_or_lack_a_large_value_fail_their_own_rows_and_nothing_else()
    {
        var source = await bed.SourceAsync(Everything);
        var target = await bed.TargetAsync();
        await SchemaBed.CopyAsync(source, target, SchemaSection.PreData);
        await TestPostgres.ExecuteAsync(target, "INSERT INTO orders (id, tags, cents) VALUES (7, '', 1)", """INSERT INTO "My; Type: TABLE; Schema: x"."T ""q""; Type: VIEW" ("order") VALUES (8)""");

        var rows = await SchemaBed.CopyAsync(source, target, SchemaSection.PostData);
        await TestPostgres.ExecuteAsync(target, "UPDATE orders SET id = 8, body = 'came late'");
        var again = await SchemaBed.CopyAsync(source, target, SchemaSection.PostData);

        Assert.Equal(["FK CONSTRAINT", "NOT NULL"], rows.Where(row => row.Action == SchemaAction.Failed).Select(row => row.Type));
        Assert.All(rows.Where(row => row.Action == SchemaAction.Failed), row => Assert.NotNull(row.Reason));
        Assert.Equal(["Complete FK CONSTRAINT", "Create NOT NULL"], again.Where(row => row.Action is not (SchemaAction.None or SchemaAction.Skip) && row.Type != "ANALYZE").Select(row => $"{row.Action} {row.Type}"));
        Assert.Equal(0, await TestPostgres.QueryAsync<long>(target, "SELECT count(*) FROM pg_constraint WHERE NOT convalidated OR conname LIKE 'pgmigration%'"));
    }

    [Fact]
    public async Task Tables_that_were_loaded_have_statistics_afterwards()
    {
        var source = await bed.SourceAsync("CREATE TABLE item (id int PRIMARY KEY)");
        var target = await bed.TargetAsync();
        await SchemaBed.CopyAsync(source, target, SchemaSection.PreData);
        await TestPostgres.ExecuteAsync(target, "INSERT INTO item SELECT generate_series(1, 10)");
        await ArchivingServer.UntilAsync("the rows are counted", () => TestPostgres.QueryAsync<bool>(target, "SELECT n_live_tup > 0 FROM pg_stat_user_tables WHERE relname = 'item'"));

        var rows = await SchemaBed.CopyAsync(source, target, SchemaSection.PostData);

        Assert.Equal(SchemaAction.Complete, Row(rows, "ANALYZE", "public.item").Action);
        Assert.Equal(10, await TestPostgres.QueryAsync<float>(target, "SELECT reltuples FROM pg_class WHERE relname = 'item'"));
    }

    [Fact]
    public async Task Objects_of_a_role_that_the_target_has_belong_to_it_and_what_it_forbids_is_left_out_with_its_reason()
    {
        var source = await bed.SourceAsync(
            "CREATE SCHEMA shop AUTHORIZATION app", "CREATE TABLE shop.item (id int PRIMARY KEY)", "ALTER TABLE shop.item OWNER TO app", "CREATE TABLE theirs (id int PRIMARY KEY)", "ALTER TABLE theirs OWNER TO stranger",
            "GRANT SELECT ON theirs TO \"Odd \"\" TO role\"", "GRANT SELECT ON shop.item TO reader, stranger",
            "CREATE FUNCTION in_c() RETURNS trigger LANGUAGE internal AS 'suppress_redundant_updates_trigger'", "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
            "CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION watch()", "CREATE TRIGGER t BEFORE UPDATE ON theirs FOR EACH ROW EXECUTE FUNCTION in_c()", "CREATE PUBLICATION everything FOR ALL TABLES",
            "CREATE FUNCTION awsdms_intercept_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'", "CREATE EXTENSION pageinspect",
            "CREATE AGGREGATE inner_state(int4) (SFUNC = int4_avg_accum, STYPE = int8[], INITCOND = '{0,0}')", "CREATE AGGREGATE in_memory(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg)",
            "CREATE PUBLICATION awsdms_local_x FOR TABLE theirs", "DO $$BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); EXECUTE format('COMMENT ON DATABASE %I IS $c$the shop$c$', current_database()); EXECUTE format('GRANT CONNECT ON DATABASE %I TO reader', current_database()); END$$");
        var target = await bed.TargetAsync();

        var rows = await SchemaBed.CopyAsync(source, target, SchemaSection.All);

        Assert.Null(Row(rows, "TABLE", "shop.item").Reason);
        Assert.Equal("app", await TestPostgres.QueryAsync<string>(target, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'item'"));
        Assert.Equal(target.User, await TestPostgres.QueryAsync<string>(target, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'theirs'"));
        Assert.True(await TestPostgres.QueryAsync<bool>(target, "SELECT has_table_privilege('reader', 'shop.item', 'SELECT')"));
        Assert.Equal("in part: the target has no role stranger: make it and run this again", Row(rows, "ACL", "shop: TABLE item").Reason);
        Assert.StartsWith("1 objects of it belong to", Row(rows, "OWNER", "stranger").Reason, StringComparison.Ordinal);
        Assert.Equal("the target has no role Odd \" TO role: make it and run this again", Skipped("ACL", "public: TABLE theirs"));
        Assert.Equal("only a superuser of the target may make functions in internal", Skipped("FUNCTION", "public.in_c()"));
        Assert.Contains("may not make event triggers", Skipped("EVENT TRIGGER", "watcher"), StringComparison.Ordinal);
        Assert.Equal("belongs to the replication of the source", Skipped("PUBLICATION", "everything"));
        Assert.Equal("is DMS's own, for its work on the source", Skipped("FUNCTION", "public.awsdms_intercept_ddl()"));
        Assert.Equal("only a superuser of the target may make aggregates with a state of type internal", Skipped("AGGREGATE", "public.in_memory(numeric)"));
        Assert.Equal(SchemaAction.Create, Row(rows, "AGGREGATE", "public.inner_state(integer)").Action);
        Assert.DoesNotContain(rows, row => row.Name.Contains("awsdms_local", StringComparison.Ordinal));
        Assert.EndsWith($"REVOKE CONNECT ON DATABASE {source.Database} FROM PUBLIC", Skipped("DATABASE", "CONNECT"), StringComparison.Ordinal);
        Assert.EndsWith($"GRANT CONNECT ON DATABASE {source.Database} TO reader", Skipped("DATABASE", "rights of reader"), StringComparison.Ordinal);
        Assert.EndsWith($"COMMENT ON DATABASE {source.Database} IS 'the shop'", Skipped("DATABASE", "comment"), StringComparison.Ordinal);
        Assert.Contains("CREATE EXTENSION", Skipped("EXTENSION", "pageinspect"), StringComparison.Ordinal);
        Assert.Equal(["TRIGGER t on public.theirs"], rows.Where(row => row.Action == SchemaAction.Failed).Select(row => $"{row.Type} {row.Name}"));

        string Skipped(string type, string name) => Row(rows, type, name) is { Action: SchemaAction.Skip } row ? row.Reason! : throw new InvalidOperationException($"{type} {name} was not left out.");
    }

    [Fact]
    public async Task A_cancelled_build_leaves_no_index_and_the_next_run_goes_on_without_holding_up_writes()
    {
        var source = await bed.SourceAsync("CREATE TABLE item (id int PRIMARY KEY, n int)", "CREATE INDEX item_n ON item (n)");
        var target = await bed.TargetAsync();
        await SchemaBed.CopyAsync(source, target, SchemaSection.PreData);
        await using var writer = await target.ConnectAsync();
        await using var transaction = await writer.BeginTransactionAsync();
        await new NpgsqlCommand("INSERT INTO item VALUES (1, 1)", writer).ExecuteNonQueryAsync();
        using var stop = new CancellationTokenSource();
        var building = SchemaCopy.ApplyAsync(await SchemaCopy.PlanAsync(source, target, new SchemaCopyOptions { Section = SchemaSection.PostData, Concurrently = true }), cancel: stop.Token);
        await ArchivingServer.UntilAsync("the build waits for the writer", () => TestPostgres.QueryAsync<bool>(target, "SELECT EXISTS (SELECT FROM pg_index WHERE NOT indisvalid)"));

        await stop.CancelAsync();
        await transaction.CommitAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => building);
        long left = await TestPostgres.QueryAsync<long>(target, "SELECT count(*) FROM pg_class WHERE relname = 'item_n'");
        var rows = await SchemaBed.CopyAsync(source, target, SchemaSection.PostData, concurrently: true);

        Assert.Equal(0, left);
        Assert.Equal(SchemaAction.Create, Row(rows, "INDEX", "public.item_n").Action);
        Assert.True(await TestPostgres.QueryAsync<bool>(target, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'item_n'::regclass"));
    }

    [Fact]
    public async Task The_secret_is_not_among_the_arguments_of_pg_dump_and_its_environment_has_no_other()
    {
        var start = new ProcessStartInfo("pg_dump");
        start.Environment["DATABASE_URL"] = "postgres://u:hunter2@h/d";
        start.Environment["PGSERVICE"] = "elsewhere";

        InheritedSecrets.Remove(start);
        PgServer.Parse("host=db.example.com hostaddr=10.0.0.1 dbname=shop user=u password=secret sslmode=verify-full sslrootcert=/ca.pem channel_binding=require").ForLibpq(start);

        Assert.Equal("secret 10.0.0.1 verify-full /ca.pem require shop", string.Join(' ', new[] { "PGPASSWORD", "PGHOSTADDR", "PGSSLMODE", "PGSSLROOTCERT", "PGCHANNELBINDING", "PGDATABASE" }.Select(name => start.Environment[name])));
        Assert.DoesNotContain(start.Environment, variable => variable.Key is "DATABASE_URL" or "PGSERVICE");
        var needed = await Assert.ThrowsAsync<MigrationException>(() => SchemaCopy.PlanAsync(bed.Old.Server, bed.New.Server, new SchemaCopyOptions { PostgresBin = "/nowhere" }));
        Assert.Equal("PostgresNotFound", needed.ErrorId);
    }

    private static SchemaRow Row(IEnumerable<SchemaRow> rows, string type, string name) => Assert.Single(rows, row => row.Type == type && row.Name == name);

    /// <summary>Everything that the app would notice, as the server itself writes it.</summary>
    private static async Task<string> DefinitionsAsync(PgServer server) => await TestPostgres.QueryAsync<string>(server, """
        SELECT set_config('search_path', '', false) || string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
            SELECT 'column ' || c.oid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || a.attnotnull || a.attidentity::text || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS line
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm')
            UNION ALL SELECT 'constraint ' || conrelid::regclass || conname || pg_get_constraintdef(oid) || convalidated FROM pg_constraint WHERE oid >= 16384
            UNION ALL SELECT 'index ' || pg_get_indexdef(indexrelid) || indisvalid || indisreplident FROM pg_index WHERE indexrelid >= 16384 AND indrelid::regclass::text NOT LIKE 'pg_toast%'
            UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 'rule ' || pg_get_ruledef(oid) FROM pg_rewrite WHERE oid >= 16384
            UNION ALL SELECT 'policy ' || polname || polrelid::regclass FROM pg_policy
            UNION ALL SELECT 'function ' || pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.oid >= 16384 AND p.prokind = 'f' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e')
            UNION ALL SELECT 'sequence ' || s.sequencename || s.data_type || s.increment_by || coalesce(pg_get_serial_sequence('public.orders', 'id'), '') FROM pg_sequences s
            UNION ALL SELECT 'comment ' || pg_describe_object(classoid, objoid, objsubid) || description FROM pg_description WHERE objoid >= 16384 AND classoid = 'pg_class'::regclass
            UNION ALL SELECT 'view ' || oid::regclass || relispopulated || relrowsecurity FROM pg_class WHERE oid >= 16384 AND relkind IN ('m', 'r')
            UNION ALL SELECT 'statistics ' || pg_get_statisticsobjdef(oid) FROM pg_statistic_ext) lines
        """);
}
