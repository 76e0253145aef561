namespace PgMigration.Tests;

/// <summary>Rights do not come with rows: what the app's login may on the source and not on the target is named, as the statement that mends it.</summary>
[Collection(PostgresCollection.Name)]
public sealed class AppRightsTests(TestPostgres postgres)
{
    private static readonly string[] Schema =
    [
        "CREATE TABLE t (id int PRIMARY KEY, secret text)", "CREATE TABLE p (id int, PRIMARY KEY (id)) PARTITION BY RANGE (id)", "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE VIEW v AS SELECT id FROM t", "CREATE MATERIALIZED VIEW m AS SELECT id FROM t", "CREATE SCHEMA api", "CREATE FUNCTION api.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "REVOKE ALL ON FUNCTION api.f FROM public", "CREATE SEQUENCE lone",
    ];

    private static readonly string[] Moved = ["public.t", "public.p1"];

    [Theory]
    [InlineData("INSERT ON t", "GRANT INSERT ON public.t TO \"{0}\"")]
    [InlineData("SELECT (secret), UPDATE (id, secret) ON t", "GRANT SELECT (secret), UPDATE (id, secret) ON public.t TO \"{0}\"")]
    [InlineData("SELECT, INSERT ON p", "GRANT SELECT, INSERT ON public.p TO \"{0}\"")]
    [InlineData("SELECT ON v", "GRANT SELECT ON public.v TO \"{0}\"")]
    [InlineData("SELECT ON m", "GRANT SELECT ON public.m TO \"{0}\"")]
    [InlineData("USAGE ON SEQUENCE lone", "GRANT USAGE ON SEQUENCE public.lone TO \"{0}\"")]
    [InlineData("EXECUTE ON FUNCTION api.f", "GRANT USAGE ON SCHEMA api TO \"{0}\"; GRANT EXECUTE ON ROUTINE api.f(a integer) TO \"{0}\"")]
    public async Task What_the_app_may_on_the_source_and_not_on_the_target_is_named_and_given_by_the_statements_that_are_named(string grant, string expected)
    {
        var (source, target, app) = await PairAsync();
        await TestPostgres.ExecuteAsync(source, $"GRANT USAGE ON SCHEMA api TO {app}", $"GRANT {grant} TO {app}");

        var gaps = await GapsAsync(source, target, app);
        await TestPostgres.ExecuteAsync(target, [.. gaps]);

        Assert.Equal(expected.Replace("{0}", app, StringComparison.Ordinal), string.Join("; ", gaps));
        Assert.Empty(await GapsAsync(source, target, app));
    }

    [Fact]
    public async Task A_right_that_the_app_cannot_use_on_the_source_for_want_of_the_schema_is_none()
    {
        var (source, target, app) = await PairAsync();
        await TestPostgres.ExecuteAsync(source, $"GRANT EXECUTE ON FUNCTION api.f TO {app}");

        Assert.Empty(await GapsAsync(source, target, app));
    }

    [Fact]
    public async Task An_owner_to_whom_policies_do_not_apply_is_told_that_they_would_on_the_target()
    {
        var (source, target, app) = await PairAsync();
        await TestPostgres.ExecuteAsync(source, $"ALTER TABLE t OWNER TO {app}", "ALTER TABLE t ENABLE ROW LEVEL SECURITY");
        await TestPostgres.ExecuteAsync(target, $"GRANT ALL ON t TO {app}", "ALTER TABLE t ENABLE ROW LEVEL SECURITY");

        Assert.Contains("the policies of public.t hide rows from it", Assert.Single(await GapsAsync(source, target, app)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whose_rights_count_is_the_apps_login_else_the_role_of_the_same_name_else_who_was_given_some_else_the_owner()
    {
        var (source, _, app) = await PairAsync();
        await using var session = await source.ConnectAsync();
        Task<IReadOnlyList<string>> LoginsAsync(string? known, string target) => AppRights.LoginsAsync(session, known, target, [$"{app}_dms"], Moved, CancellationToken.None);

        Assert.Equal(["known"], await LoginsAsync("known", app));
        Assert.Equal([await TestPostgres.QueryAsync<string>(source, "SELECT current_user::text")], await LoginsAsync(null, app));
        await TestPostgres.ExecuteAsync(source, $"GRANT SELECT ON t TO {app}");
        Assert.Equal([app], await LoginsAsync(null, app));
        await TestPostgres.ExecuteAsync(source, $"CREATE ROLE {app}_dms", $"GRANT SELECT ON t TO {app}_dms");
        Assert.Equal([app], await LoginsAsync(null, "another"));
    }

    private async Task<(PgServer Source, PgServer Target, string App)> PairAsync()
    {
        var source = await postgres.CreateDatabaseAsync("here", asSuperuser: true);
        var target = await postgres.CreateDatabaseAsync("there", asSuperuser: true);
        string app = $"app_{source.Database}";
        await TestPostgres.ExecuteAsync(source, [.. Schema, $"CREATE ROLE {app} LOGIN"]);
        await TestPostgres.ExecuteAsync(target, Schema);
        return (source, target, app);
    }

    private static async Task<IReadOnlyList<string>> GapsAsync(PgServer source, PgServer target, string app)
    {
        await using var here = await source.ConnectAsync();
        await using var there = await target.ConnectAsync();
        return await AppRights.FindGapsAsync(here, [app], there, app, Moved, CancellationToken.None);
    }
}
