namespace PgMigration.Cmdlets.Tests;

public sealed class CopyPgSchemaTests(ModulePostgres postgres) : IClassFixture<ModulePostgres>, IDisposable
{
    private const string Rows = " | ForEach-Object { \"$($_.Section) $($_.Type) $($_.Name) $($_.Action)\" }";
    private readonly HostedEngine _engine = HostedEngine.WithModule();

    [Fact]
    public void WhatIf_writes_the_rows_that_come_of_it_and_changes_nothing()
    {
        string source = postgres.NewDatabase("CREATE TABLE a (id int PRIMARY KEY, body text NOT NULL)", "CREATE INDEX a_body ON a (body)");
        string target = postgres.NewDatabase();

        string planned = Text("Copy-PgSchema $args[0] $args[1] -WhatIf" + Rows, source, target);
        string untouched = postgres.Sql(target, "SELECT count(*) FROM pg_class WHERE oid >= 16384");
        string made = Text("Copy-PgSchema -Source $args[0] -Target $args[1] -Parallelism 2" + Rows, source, target);

        Assert.Equal("PreData TABLE public.a Create\nPreData CONSTRAINT a_pkey on public.a Create\nPostData INDEX public.a_body Create\nPostData NOT NULL public.a.body Create", planned);
        Assert.Equal("0", untouched);
        Assert.Equal(planned, made);
    }

    [Fact]
    public void An_object_that_could_not_be_made_is_a_row_and_an_error_with_its_id_and_the_rest_is_done()
    {
        string source = postgres.NewDatabase("CREATE TABLE a (id int PRIMARY KEY, n int UNIQUE)");
        string target = postgres.NewDatabase("CREATE TABLE a (id int PRIMARY KEY, n int)", "INSERT INTO a VALUES (1, 1), (2, 1)");
        using var pipeline = _engine.Pipeline("Copy-PgSchema $args[0] $args[1] -Section PostData" + Rows, source, target);

        var rows = pipeline.Invoke();

        Assert.Equal(["PostData CONSTRAINT a_n_key on public.a Failed", "PostData ANALYZE public.a Complete"], rows.Select(row => row.ToString()));
        Assert.StartsWith("SchemaObjectNotCopied,", Assert.Single(pipeline.Streams.Error).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    public void Dispose() => _engine.Dispose();

    private string Text(string script, params object[] arguments) => string.Join('\n', _engine.Run(script, arguments).Select(line => line.ToString()));
}
