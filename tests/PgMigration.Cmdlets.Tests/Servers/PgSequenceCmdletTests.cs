using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Get-PgSequence, Repair-PgSequence and Test-PgServer, as they are typed.</summary>
public sealed class PgSequenceCmdletTests(ModulePostgres postgres) : IClassFixture<ModulePostgres>, IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();

    [Fact]
    public void A_sequence_behind_its_column_collides_until_it_is_repaired()
    {
        string target = postgres.NewDatabase("CREATE TABLE t (id serial PRIMARY KEY)", "INSERT INTO t VALUES (1000)");

        Assert.Equal("t True 1 1000", Text("Get-PgSequence $args[0] | ForEach-Object { \"$($_.Table) $($_.Collides) $($_.NextValue) $($_.ColumnValue)\" }", target));
        Assert.Equal("public t id public.t_id_seq  1010 Advance", Text("Repair-PgSequence -Target $args[0] -SafetyMargin 10 | ForEach-Object { \"$($_.Schema) $($_.Table) $($_.Column) $($_.Sequence) $($_.Before) $($_.After) $($_.Action)\" }", target));
        Assert.Equal("False 1011", Text("Get-PgSequence -Target $args[0] | ForEach-Object { \"$($_.Collides) $($_.NextValue)\" }", target));
    }

    [Fact]
    public void WhatIf_writes_the_same_rows_and_changes_nothing()
    {
        string source = postgres.NewDatabase("CREATE TABLE a (id serial PRIMARY KEY)", "SELECT setval('a_id_seq', 500)", "CREATE TABLE b (id serial PRIMARY KEY)");
        string target = postgres.NewDatabase("CREATE TABLE a (id int PRIMARY KEY)", "CREATE TABLE b (id serial PRIMARY KEY)", "INSERT INTO b VALUES (70)");
        const string Rows = " | ForEach-Object { \"$($_.Table) $($_.Action) $($_.Before) $($_.After)\" }";

        string planned = Text("Repair-PgSequence $args[0] -Source $args[1] -WhatIf" + Rows, target, source);
        string untouched = postgres.Sql(target, "SELECT count(*) || ' ' || min(last_value) FROM (SELECT last_value FROM b_id_seq) x, (SELECT count(*) FROM pg_sequences) y GROUP BY y.count");
        string repaired = Text("Repair-PgSequence $args[0] -Source $args[1]" + Rows, target, source);

        Assert.Equal("a Create  500\nb Advance  70", planned);
        Assert.Equal("1 1", untouched);
        Assert.Equal(planned, repaired);
        Assert.Equal("501", postgres.Sql(target, "INSERT INTO a DEFAULT VALUES RETURNING id"));
    }

    [Theory]
    [InlineData("[pscustomobject]@{ Target = $args[0]; Source = 'postgres://nobody@127.0.0.1:1/none' } | Get-PgSequence")]
    [InlineData("[PgMigration.WalLink]@{ Target = [PgMigration.PgServer]::Parse($args[0]); Archive = 'file:///a'; DataDirectory = '/d'; BackupName = 'b'; SystemIdentifier = 1 } | Get-PgSequence")]
    [InlineData("[PgMigration.PgServer]::Parse($args[0]) | Get-PgSequence")]
    [InlineData("$args[0] | Get-PgSequence")]
    [InlineData("(Test-PgServer $args[0]).Server | Get-PgSequence")]
    [InlineData("Test-PgServer $args[0] | Get-PgSequence")]
    public void A_server_a_text_a_link_and_a_report_can_be_piped(string script)
    {
        string target = postgres.NewDatabase("CREATE TABLE t (id serial PRIMARY KEY)");

        Assert.Equal("public.t_id_seq", Text($"({script}).Sequence", target));
    }

    [Fact]
    public void A_row_that_fails_is_written_and_is_an_error_with_its_id()
    {
        string target = postgres.NewDatabase("CREATE TABLE full_up (id serial PRIMARY KEY)", "ALTER SEQUENCE full_up_id_seq MAXVALUE 10", "INSERT INTO full_up VALUES (1000)", "CREATE TABLE t (id serial PRIMARY KEY)", "INSERT INTO t VALUES (5)");
        using var pipeline = _engine.Pipeline("Repair-PgSequence $args[0]", target);

        var rows = pipeline.Invoke();

        Assert.Equal(["Failed", "Advance"], rows.Select(row => $"{row.Properties["Action"].Value}"));
        var error = Assert.Single(pipeline.Streams.Error);
        Assert.StartsWith("SequenceNotRepaired,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal("6", postgres.Sql(target, "SELECT nextval('t_id_seq')"));
    }

    [Theory]
    [InlineData("Repair-PgSequence -Target 'postgrez://u:hunter2@h/d'")]
    [InlineData("Repair-PgSequence service=x -Source 'postgres://u:hunt@er2@h/d'")]
    [InlineData("'postgrez://u:hunter2@h/d' | Repair-PgSequence")]
    [InlineData("Get-PgSequence 'postgres://u:hunter2@127.0.0.1:1/d'")]
    [InlineData("Test-PgServer 'postgres://u:hunter2@127.0.0.1:1/d'")]
    [InlineData("Test-PgServer 'host=h password=hunter2 tea'")]
    [InlineData("[pscustomobject]@{ Target = 'postgrez://u:hunter2@h/d' } | Test-PgServer")]
    public void The_secret_of_a_mistyped_server_is_in_no_error_of_ours_or_the_engine_s(string script)
    {
        var error = _engine.Fails(script);
        string everything = $"{error} {error.Exception} {error.Exception.InnerException} {error.TargetObject} {error.FullyQualifiedErrorId} {error.CategoryInfo} {error.ErrorDetails} {error.CategoryInfo.TargetName}";

        Assert.DoesNotMatch("hunter2|hunt@|er2@", everything);
    }

    [Fact]
    public void A_credential_logs_in_and_goes_onwards_with_the_report_s_server()
    {
        string address = postgres.NewDatabase("CREATE ROLE keeper LOGIN PASSWORD 'right'");

        Assert.Equal("keeper keeper", Text("""
            $credential = [pscredential]::new('keeper', [Net.NetworkCredential]::new('', 'right').SecurePassword)
            $report = Test-PgServer $args[0] -Credential $credential
            "$($report.User) $($report.Server.User)"
            """, address));
    }

    [Fact]
    public void A_server_that_cannot_be_reached_is_an_error_and_the_next_one_is_still_tested()
    {
        string address = postgres.NewDatabase();
        using var pipeline = _engine.Pipeline("'postgres://u@127.0.0.1:1/d', $args[0] | Test-PgServer", address);

        var report = Assert.Single(pipeline.Invoke());

        Assert.StartsWith("ServerUnreachable,", Assert.Single(pipeline.Streams.Error).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(true, report.Properties["IsSuperuser"].Value);
    }

    [Theory]
    [InlineData("Get-PgSequence", @"Collides +LastValue +ColumnValue +Used %[\s\S]*True +1000 +[\s\S]*public\.t\.id[\s\S]*public\.t_id_seq")]
    [InlineData("Repair-PgSequence", @"Action +Before +After[\s\S]*Advance +1000 [\s\S]*public\.t\.id[\s\S]*public\.t_id_seq")]
    [InlineData("Test-PgServer", @"Rights +: superuser[\s\S]*State +: primary, writable[\s\S]*TLS +: none[\s\S]*LSN +: [0-9A-F]+/[0-9A-F]+[\s\S]*Connected in +: \d+ ms")]
    public async Task The_objects_are_shown_as_tables_and_a_list(string cmdlet, string shown)
    {
        string target = postgres.NewDatabase("CREATE TABLE t (id serial PRIMARY KEY)", "INSERT INTO t VALUES (1000)");

        var (exitCode, output, errors) = await ShellRun.ToEndAsync("-Command", $"{cmdlet} {target}");

        Assert.Equal((0, string.Empty), (exitCode, errors));
        Assert.Matches(shown, output);
    }

    public void Dispose() => _engine.Dispose();

    private string Text(string script, params object[] arguments) => string.Join('\n', _engine.Run(script, arguments).Select(line => line.ToString())).ReplaceLineEndings("\n");
}
