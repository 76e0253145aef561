using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Runtime.Versioning;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Whatever stops a pipeline, the work cleans up first, and what was handed on stays.</summary>
[Collection(nameof(TestCmdlets))]
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
public sealed class StoppedWorkTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithTestCmdlets();
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Ctrl_C_in_mid_work_leaves_no_process_and_no_half_file()
    {
        using var pipeline = await StartedAsync("Start-TestWork $args[0]");
        int pid = WorkerPid;
        Assert.True(IsAlive(pid));
        Assert.True(File.Exists(_folder["half"]));

        pipeline.Stop();

        Assert.Equal(PSInvocationState.Stopped, pipeline.InvocationStateInfo.State);
        AssertNothingIsLeft(pid);
    }

    [Fact]
    public void A_throw_further_down_the_pipeline_arrives_unchanged_and_leaves_nothing_half()
    {
        var thrown = Assert.ThrowsAny<RuntimeException>(() => Invoke("Start-TestWork $args[0] -Records 5 | ForEach-Object { throw 'downstream' }"));

        Assert.Equal("downstream", thrown.Message);
        Assert.Equal("downstream", thrown.ErrorRecord.FullyQualifiedErrorId);
        AssertNothingIsLeft(WorkerPid);
    }

    [Fact]
    public void A_break_further_down_the_pipeline_leaves_its_loop_and_nothing_half()
    {
        var output = Invoke("foreach ($i in 1, 2) { Start-TestWork $args[0] -Records 5 | ForEach-Object { $_; break } }; 'after the loop'");

        Assert.Equal([1, "after the loop"], output.Select(o => o.BaseObject));
        AssertNothingIsLeft(WorkerPid);
    }

    [Fact]
    public void A_later_command_that_has_enough_ends_the_work_and_the_script_goes_on()
    {
        var output = Invoke("Start-TestWork $args[0] -Records 5 | Select-TestFirst 2; 'next line'");

        Assert.Equal([1, 2, "next line"], output.Select(o => o.BaseObject));
        AssertNothingIsLeft(WorkerPid);
    }

    [Fact]
    public void What_was_handed_on_is_not_undone_by_a_throw_further_down_the_pipeline()
    {
        Assert.ThrowsAny<RuntimeException>(() => Invoke("Start-TestWork $args[0] -HandOn | ForEach-Object { throw 'downstream' }"));

        using var kept = Process.GetProcessById(WorkerPid);
        try
        {
            Assert.False(kept.HasExited);
            Assert.Equal("half", File.ReadAllText(_folder["whole"]));
        }
        finally
        {
            kept.Kill();
        }
    }

    [Fact]
    public async Task A_dropped_ssh_session_lets_the_work_clean_up_and_ends_the_script()
    {
        using var pipeline = await StartedAsync("Start-TestWork $args[0]; 'the script went on'", errorAction: "Stop", out var running);
        int pid = WorkerPid;

        using (var hangUp = Process.Start("kill", ["-HUP", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]))
        {
            await hangUp.WaitForExitAsync();
        }

        var error = (await Assert.ThrowsAnyAsync<RuntimeException>(() => running)).ErrorRecord;
        Assert.StartsWith("MigrationInterrupted,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.OperationStopped, error.CategoryInfo.Category);
        AssertNothingIsLeft(pid);
    }

    [Fact]
    public async Task Progress_is_seen_while_the_work_runs()
    {
        using var pipeline = await StartedAsync("Start-TestWork $args[0]");

        var progress = pipeline.Streams.Progress.ReadAll().Single();
        Assert.Equal(("Working", "half way", 50), (progress.Activity, progress.StatusDescription, progress.PercentComplete));
        Assert.True(IsAlive(WorkerPid));
        pipeline.Stop();
    }

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    private int WorkerPid => int.Parse(File.ReadAllText(_folder["pid"]), CultureInfo.InvariantCulture);

    private static bool IsAlive(int pid) => Process.GetProcesses().Any(process => process.Id == pid && !process.HasExited);

    private System.Collections.ObjectModel.Collection<PSObject> Invoke(string script)
    {
        using var pipeline = _engine.Pipeline(script, _folder.Path);
        return pipeline.Invoke();
    }

    private Task<PowerShell> StartedAsync(string script) => StartedAsync(script, "Continue", out _);

    /// <summary>Begins a pipeline; done when its work has said how far it is.</summary>
    private Task<PowerShell> StartedAsync(string script, string errorAction, out Task<PSDataCollection<PSObject>> running)
    {
        var pipeline = _engine.Pipeline($"$ErrorActionPreference = '{errorAction}'; {script}", _folder.Path);
        var started = new TaskCompletionSource<PowerShell>(TaskCreationOptions.RunContinuationsAsynchronously);
        pipeline.Streams.Progress.DataAdded += (_, _) => started.TrySetResult(pipeline);
        running = pipeline.InvokeAsync();
        return started.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    private void AssertNothingIsLeft(int pid)
    {
        Assert.False(IsAlive(pid));
        Assert.False(File.Exists(_folder["half"]));
    }
}
