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
        Copy(Checkout.Stage, _checkout["bin/module/first"]);
        Copy(Checkout.Stage, _checkout["bin/module/second"]);
        File.WriteAllText(_checkout["bin/module/current"], "first\n");
    }

    [Fact]
    public void The_next_import_in_the_same_session_runs_the_new_build()
    {
        using var engine = HostedEngine.Bare();
        engine.Run("Import-Module $args[0]", _checkout["PgMigration.psd1"]);
        Assert.StartsWith(_checkout["bin/module/first"], WhereCmdletsRunFrom(engine), StringComparison.Ordinal);

        File.WriteAllText(_checkout["bin/module/current"], "second");
        engine.Run("Import-Module $args[0] -Force", _checkout["PgMigration.psd1"]);

        Assert.StartsWith(_checkout["bin/module/second"], WhereCmdletsRunFrom(engine), StringComparison.Ordinal);
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
