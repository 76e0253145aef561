using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>What asynchronous work says, from whatever thread, is what the pipeline sees.</summary>
[Collection(nameof(TestCmdlets))]
public sealed class StreamTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithTestCmdlets();

    [Fact]
    public void Records_keep_their_order_although_another_thread_writes_them() =>
        Assert.Equal(Enumerable.Range(0, 5000), _engine.Run("Write-TestRecord 5000").Select(record => (int)record.BaseObject));

    [Fact]
    public void Records_of_many_threads_all_arrive() =>
        Assert.Equal(Enumerable.Range(0, 8000), _engine.Run("Write-TestRecord 1000 -Threads 8").Select(record => (int)record.BaseObject).Order());

    [Fact]
    public void Records_stream_rather_than_wait_for_the_end()
    {
        // a million records, of which the later command wants one: collected first, they would be there when it gets it
        var output = _engine.Run("$seen = 0; Write-TestRecord 1000000 | ForEach-Object { $script:seen++; $_ } | Select-TestFirst; $seen");

        Assert.Equal([0, 1], output.Select(record => (int)record.BaseObject));
    }

    [Fact]
    public void Each_piped_object_is_processed_and_warnings_and_details_arrive()
    {
        using var pipeline = _engine.Pipeline("1..3 | Write-TestRecord -Verbose");

        Assert.Equal(3, pipeline.Invoke().Count);
        Assert.Equal("begin", Assert.Single(pipeline.Streams.Verbose).Message);
        Assert.Equal("end", Assert.Single(pipeline.Streams.Warning).Message);
    }

    [Fact]
    public void WhatIf_changes_nothing()
    {
        using var folder = new TemporaryFolder();

        Assert.Empty(_engine.Run("Set-TestFile $args[0] -WhatIf", folder["file"]));
        Assert.False(File.Exists(folder["file"]));
    }

    [Fact]
    public void Without_WhatIf_the_change_is_made_where_the_session_is_rather_than_where_the_process_is()
    {
        using var folder = new TemporaryFolder();
        string elsewhere = Directory.CreateDirectory(folder["elsewhere"]).FullName;

        var written = Assert.Single(_engine.Run("$ExecutionContext.SessionState.Path.SetLocation($args[0]) | Out-Null; Set-TestFile file", elsewhere));

        Assert.Equal(Path.Combine(elsewhere, "file"), written.BaseObject);
        Assert.Equal("changed", File.ReadAllText(Path.Combine(elsewhere, "file")));
    }

    [Fact]
    public void A_path_of_another_provider_is_refused() =>
        Assert.Equal("PathNotOnDisk,PgMigration.Cmdlets.SetTestFileCommand", _engine.Fails("Set-TestFile Env:PATH").FullyQualifiedErrorId);

    [Fact]
    public void A_question_that_no_host_can_ask_is_an_error_of_the_pipeline_and_not_a_yes()
    {
        using var folder = new TemporaryFolder();

        Assert.ThrowsAny<RuntimeException>(() => _engine.Run("$ErrorActionPreference = 'Stop'; Set-TestFile $args[0] -Ask", folder["file"]));
        Assert.False(File.Exists(folder["file"]));
    }

    [Fact]
    public void A_variable_of_the_session_is_read() =>
        Assert.Equal("eu-west-1", Assert.Single(_engine.Run("$StoredAWSRegion = 'eu-west-1'; Get-TestValue -Variable StoredAWSRegion")).BaseObject);

    public void Dispose() => _engine.Dispose();
}
