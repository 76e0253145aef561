using System.Management.Automation;
using System.Net;
using System.Security;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Start-LocalDms and Stop-LocalDms in the real engine: what the process does is tested with PgMigration.Dms.Tests.</summary>
public sealed class LocalDmsCmdletTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly TemporaryFolder _folder = new();

    private string Dms => Path.Combine(_folder.Path, "dms");

    public void Dispose()
    {
        _engine.Run("Stop-LocalDms $args[0] -Remove", Dms);
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void WhatIf_starts_nothing()
    {
        Assert.Empty(_engine.Run("Start-LocalDms $args[0] -WhatIf", Dms));
        Assert.False(Directory.Exists(Dms));
    }

    [Fact]
    public void Started_twice_it_is_one_and_piped_to_Stop_it_is_gone_with_its_folder()
    {
        var started = _engine.Run("$null = $ExecutionContext.SessionState.Path.SetLocation($args[0]); Start-LocalDms dms -Region eu-central-1; Start-LocalDms ./dms", _folder.Path);
        Assert.Equal(2, started.Count);
        Assert.Equal(Property(started[0], "ProcessId"), Property(started[1], "ProcessId"));
        Assert.Equal(("eu-central-1", Dms), (Property(started[1], "Region"), Property(started[1], "Folder")));

        Assert.Empty(_engine.Run("$args[0] | Stop-LocalDms -Remove", started[1]));
        Assert.False(Directory.Exists(Dms));
    }

    [Fact]
    public void No_property_that_is_shown_holds_the_secret()
    {
        var dms = Assert.Single(_engine.Run("Start-LocalDms $args[0]", Dms));
        string secret = new NetworkCredential(string.Empty, (SecureString)Property(dms, "SecretAccessKey")).Password;

        Assert.True(secret.Length >= 40);
        Assert.DoesNotContain(dms.Properties, property => $"{property.Value}".Contains(secret, StringComparison.Ordinal));
    }

    private static object Property(PSObject of, string name) => of.Properties[name].Value;
}
