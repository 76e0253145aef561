using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>However the module is imported, and imported again, every cmdlet is there.</summary>
public sealed class ModuleImportTests : IDisposable
{
    private const string Exported = "Get-Command -Module PgMigration | ForEach-Object Name";

    private readonly HostedEngine _engine = HostedEngine.WithModule();

    [Fact]
    public void Each_cmdlet_of_the_manifest_is_exported()
    {
        var manifest = (PSModuleInfo)Assert.Single(_engine.Run("Test-ModuleManifest $args[0]", Checkout.Manifest)).BaseObject;

        Assert.NotEmpty(manifest.ExportedCmdlets);
        Assert.Equal(manifest.ExportedCmdlets.Keys.Order(), CmdletsOf(_engine));
    }

    [Fact]
    public void Each_cmdlet_of_the_assembly_is_in_the_manifest()
    {
        var inAssembly = _engine.Run("(Get-Module PgMigration).NestedModules.ImplementingAssembly.GetExportedTypes().ForEach{ $_.GetCustomAttributes([Management.Automation.CmdletAttribute], $false) }.ForEach{ \"$($_.VerbName)-$($_.NounName)\" }");

        Assert.Equal(inAssembly.Select(name => (string)name.BaseObject).Order(), CmdletsOf(_engine));
    }

    [Theory]
    [InlineData("Import-Module $args[0]")]
    [InlineData("Import-Module $args[0] -Force")]
    [InlineData("Remove-Module PgMigration; Import-Module $args[0]")]
    [InlineData("Remove-Module PgMigration -Force; Import-Module $args[0] -Force; Import-Module $args[0] -Force")]
    public void Importing_again_leaves_every_cmdlet_and_type(string script)
    {
        var before = CmdletsOf(_engine);

        _engine.Run(script, Checkout.Manifest);

        Assert.NotEmpty(before);
        Assert.Equal(before, CmdletsOf(_engine));
        Assert.Equal("postgres://app@db:5432/app", Assert.Single(_engine.Run("[PgMigration.PgServer]::Parse('postgres://app@db/app').ToString()")).BaseObject);
    }

    [Fact]
    public void A_removal_takes_every_cmdlet_away()
    {
        _engine.Run("Remove-Module PgMigration");

        Assert.Empty(CmdletsOf(_engine));
        Assert.Empty(_engine.Run("Get-Module PgMigration*"));
    }

    [Fact]
    public void A_checkout_that_has_not_been_built_says_how_to_build_it()
    {
        using var copy = new TemporaryFolder();
        using var engine = HostedEngine.Bare();
        Directory.CreateDirectory(copy["module/formats"]);
        foreach (string file in new[] { "PgMigration.psd1", "module/PgMigration.psm1", "module/formats/PgMigration.Format.ps1xml" })
        {
            File.Copy(Path.Combine(Checkout.Root, file), copy[file]);
        }

        var error = engine.Fails("Import-Module $args[0]", copy["PgMigration.psd1"]);

        Assert.Contains("has not been built", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("build.ps1", error.Exception.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _engine.Dispose();

    private static IEnumerable<string> CmdletsOf(HostedEngine engine) => engine.Run(Exported).Select(name => (string)name.BaseObject).Order();
}
