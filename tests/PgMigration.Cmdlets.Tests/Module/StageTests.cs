using System.Reflection;
using System.Runtime.InteropServices;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Builds come while sessions run: the next import takes the new one, and nobody's files are written over or taken away.</summary>
public sealed class StageTests : IDisposable
{
    private readonly TemporaryFolder _checkout = new();

    public StageTests()
    {
        File.Copy(Checkout.Manifest, _checkout["PgMigration.psd1"]);
        Copy(Path.Combine(Checkout.Root, "module"), _checkout["module"]);
        foreach (var (stage, day) in (ReadOnlySpan<(string, int)>)[("first", 1), ("second", 2)])
        {
            Copy(Checkout.Stage, _checkout[$"bin/module/{stage}"]);
            Renumber(_checkout[$"bin/module/{stage}/PgMigration.Cmdlets.dll"], day);
        }

        File.WriteAllText(_checkout["bin/module/current"], "first\n");
    }

    [Fact]
    public void The_next_import_in_the_same_session_runs_the_new_build()
    {
        using var engine = HostedEngine.Bare();
        engine.Run("Import-Module $args[0]", _checkout["PgMigration.psd1"]);
        Assert.StartsWith(_checkout["bin/module/first"], WhereCmdletsRunFrom(engine), StringComparison.Ordinal);
        Assert.Equal("before", NameOfGate(engine, "before"));

        File.WriteAllText(_checkout["bin/module/current"], "second");
        engine.Run("Import-Module $args[0] -Force", _checkout["PgMigration.psd1"]);

        Assert.StartsWith(_checkout["bin/module/second"], WhereCmdletsRunFrom(engine), StringComparison.Ordinal);
        Assert.Equal("after", NameOfGate(engine, "after")); // the engine kept what it learnt of this cmdlet's parameters
    }

    [Fact]
    public void Each_build_has_a_number_of_its_own()
    {
        var version = AssemblyName.GetAssemblyName(Path.Combine(Checkout.Stage, "PgMigration.Cmdlets.dll")).Version!;

        Assert.InRange(version.Build, (int)(new DateTime(2026, 1, 1) - DateTime.UnixEpoch).TotalDays, ushort.MaxValue);
    }

    [Fact]
    public void A_session_that_has_one_copy_of_the_module_refuses_another_and_says_what_to_do()
    {
        using var engine = HostedEngine.WithModule();

        var error = engine.Fails("Import-Module $args[0]", _checkout["PgMigration.psd1"]);

        Assert.Contains(Checkout.Root, error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("new session", error.Exception.Message, StringComparison.Ordinal);
        Assert.NotEmpty(engine.Run("Get-Command -Module PgMigration"));
    }

    [Fact]
    public async Task Runspaces_that_import_at_the_same_time_share_their_types()
    {
        const int Sessions = 6;
        using var start = new Barrier(Sessions);
        var types = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => Task.Factory.StartNew(Import, TaskCreationOptions.LongRunning)));

        Assert.Single(types.Distinct());

        object Import()
        {
            using var engine = HostedEngine.Bare();
            start.SignalAndWait();
            return Assert.Single(engine.Run("Import-Module $args[0]; (Get-Command New-MigrationGate).ImplementingType", _checkout["PgMigration.psd1"])).BaseObject;
        }
    }

    [Fact]
    public void A_build_that_a_session_has_loaded_is_held()
    {
        using var engine = HostedEngine.Bare();
        engine.Run("Import-Module $args[0]", _checkout["PgMigration.psd1"]);

        Assert.Throws<IOException>(() => Open("first"));
        Open("second").Dispose();
    }

    [Fact]
    public void What_was_compiled_for_this_platform_runs_and_what_was_compiled_for_another_does_not()
    {
        foreach (var (stage, platform) in (ReadOnlySpan<(string, string)>)[("first", RuntimeInformation.RuntimeIdentifier), ("second", "another-platform")])
        {
            if (Directory.Exists(_checkout[$"bin/module/{stage}/compiled"]))
            {
                Directory.Delete(_checkout[$"bin/module/{stage}/compiled"], recursive: true);
            }

            Directory.CreateDirectory(_checkout[$"bin/module/{stage}/compiled/{platform}"]);
            File.Copy(_checkout[$"bin/module/{stage}/PgMigration.dll"], _checkout[$"bin/module/{stage}/compiled/{platform}/PgMigration.dll"]);
        }

        Assert.Equal(_checkout[$"bin/module/first/compiled/{RuntimeInformation.RuntimeIdentifier}/PgMigration.dll"], WhereServersAreFrom());
        File.WriteAllText(_checkout["bin/module/current"], "second");
        Assert.Equal(_checkout["bin/module/second/PgMigration.dll"], WhereServersAreFrom());
    }

    public void Dispose() => _checkout.Dispose();

    // as build/Stage.ps1 asks before it removes an old one
    private FileStream Open(string stage) => File.Open(_checkout[$"bin/module/{stage}/in-use"], FileMode.Open, FileAccess.ReadWrite, FileShare.None);

    private static string WhereCmdletsRunFrom(HostedEngine engine) =>
        (string)Assert.Single(engine.Run("(Get-Command Invoke-Cutover).ImplementingType.Assembly.Location")).BaseObject;

    private static string NameOfGate(HostedEngine engine, string name) =>
        (string)Assert.Single(engine.Run("(New-MigrationGate -ScriptBlock { $true } -Name $args[0]).Name", name)).BaseObject;

    // as the build does it
    private static void Renumber(string assembly, int day)
    {
        using var engine = HostedEngine.Bare();
        engine.Run("$Root = ''; . $args[0]; Set-AssemblyNumber $args[1] ([DateTime]::UnixEpoch.AddDays($args[2]))", Path.Combine(Checkout.Root, "build", "Stage.ps1"), assembly, day);
    }

    private string WhereServersAreFrom()
    {
        using var engine = HostedEngine.Bare();
        engine.Run("Import-Module $args[0]", _checkout["PgMigration.psd1"]);
        return (string)Assert.Single(engine.Run("(Get-Command Get-MigrationLink).ImplementingType.GetProperty('Target').PropertyType.Assembly.Location")).BaseObject;
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
