using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>PowerShell runs the command of the module that was imported last: a name that another module has too would run another program.</summary>
public sealed class CmdletNameTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();

    [Fact]
    public void No_name_is_that_of_a_command_of_another_module_that_people_use()
    {
        var taken = File.ReadLines(Path.Combine(Checkout.Root, "tests", "PgMigration.Cmdlets.Tests", "Module", "OtherModules.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => new WildcardPattern(line, WildcardOptions.IgnoreCase)).ToList();
        Assert.Contains(taken, pattern => pattern.IsMatch("Get-DmsReplication"));

        Assert.DoesNotContain(Names(), name => taken.Exists(pattern => pattern.IsMatch(name)));
    }

    [Fact]
    public void No_name_is_that_of_a_command_of_the_engine()
    {
        using var bare = HostedEngine.Bare();
        var taken = bare.Run("Get-Command | ForEach-Object Name").Select(name => (string)name.BaseObject).ToHashSet(StringComparer.OrdinalIgnoreCase);

        Assert.Contains("get-command", taken);
        Assert.DoesNotContain(Names(), taken.Contains);
    }

    [Fact]
    public void The_former_names_of_the_DMS_cmdlets_are_not_kept_as_aliases()
    {
        Assert.Empty(_engine.Run("Get-Command *-DmsReplication -CommandType All"));
        Assert.Empty(_engine.Run("(Get-Module PgMigration).ExportedAliases.Keys"));
    }

    public void Dispose() => _engine.Dispose();

    private List<string> Names()
    {
        var names = _engine.Run("Get-Command -Module PgMigration | ForEach-Object Name").Select(name => (string)name.BaseObject).ToList();
        Assert.NotEmpty(names);
        return names;
    }
}
