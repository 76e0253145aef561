using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Get-Help answers in full for every cmdlet.</summary>
public sealed class HelpTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();

    [Fact]
    public void Each_cmdlet_has_a_synopsis_a_text_for_each_parameter_and_three_examples()
    {
        var cmdlets = _engine.Run("Get-Command -Module PgMigration").Select(command => (CmdletInfo)command.BaseObject).ToList();
        Assert.NotEmpty(cmdlets);

        Assert.Empty(cmdlets.SelectMany(GapsOf));
    }

    public void Dispose() => _engine.Dispose();

    private IEnumerable<string> GapsOf(CmdletInfo cmdlet)
    {
        dynamic help = Assert.Single(_engine.Run("Get-Help $args[0] -Full", cmdlet.Name));
        string synopsis = help.Synopsis;
        if (synopsis.Length < 20 || synopsis.TrimStart().StartsWith(cmdlet.Name, StringComparison.Ordinal)) // the engine's own, when it finds no help
        {
            yield return $"{cmdlet.Name} has no synopsis";
            yield break;
        }

        var documented = _engine.Run("(Get-Help $args[0] -Full).parameters.parameter | ForEach-Object { if (\"$($_.description.Text)\".Length -gt 10) { $_.name } }", cmdlet.Name)
            .Select(name => (string)name.BaseObject)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (string parameter in cmdlet.Parameters.Keys.Except(Cmdlet.CommonParameters).Except(Cmdlet.OptionalCommonParameters).Where(name => !documented.Contains(name)))
        {
            yield return $"{cmdlet.Name} -{parameter} has no text";
        }

        int examples = _engine.Run("@((Get-Help $args[0] -Full).examples.example).Where{ $_.code -match [regex]::Escape($args[0]) -or $_.code }", cmdlet.Name).Count;
        if (examples < 3)
        {
            yield return $"{cmdlet.Name} has {examples} examples";
        }
    }
}
