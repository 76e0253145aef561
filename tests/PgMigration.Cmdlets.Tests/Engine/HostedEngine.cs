using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace PgMigration.Cmdlets.Tests;

/// <summary>A session of the real engine, without pwsh.</summary>
internal sealed class HostedEngine : IDisposable
{
    private readonly Runspace _runspace;

    private HostedEngine()
    {
        _runspace = RunspaceFactory.CreateRunspace(InitialSessionState.CreateDefault2());
        _runspace.Open();
    }

    /// <summary>A session with nothing imported.</summary>
    public static HostedEngine Bare() => new();

    /// <summary>A session with the module as a user imports it.</summary>
    public static HostedEngine WithModule()
    {
        var engine = new HostedEngine();
        engine.Run("Import-Module $args[0]", Checkout.Manifest);
        return engine;
    }

    /// <summary>A session with the cmdlets that show what the base class does.</summary>
    public static HostedEngine WithTestCmdlets()
    {
        var engine = new HostedEngine();
        engine.Run("& $args[0] -Folder $args[1]", Checkout.ImportTestCmdlets, Checkout.TestCmdlets);
        return engine;
    }

    /// <summary>A pipeline of this session that has yet to run.</summary>
    /// <param name="script">Its text.</param>
    /// <param name="arguments">What it sees as <c>$args</c>.</param>
    public PowerShell Pipeline(string script, params object[] arguments)
    {
        var pipeline = PowerShell.Create(_runspace);
        pipeline.AddScript(script);
        foreach (object argument in arguments)
        {
            pipeline.AddArgument(argument);
        }

        return pipeline;
    }

    /// <summary>Runs a script and returns what it wrote. Any error, also one that does not end it, fails the test.</summary>
    public IReadOnlyList<PSObject> Run(string script, params object[] arguments)
    {
        using var pipeline = Pipeline(script, arguments);
        var output = pipeline.Invoke();
        Assert.Empty(pipeline.Streams.Error);
        return output;
    }

    /// <summary>Runs a script that must end in an error, and returns that error.</summary>
    public ErrorRecord Fails(string script, params object[] arguments)
    {
        using var pipeline = Pipeline($"$ErrorActionPreference = 'Stop'; {script}", arguments);
        return Assert.ThrowsAny<RuntimeException>(() => pipeline.Invoke()).ErrorRecord;
    }

    public void Dispose() => _runspace.Dispose();
}
