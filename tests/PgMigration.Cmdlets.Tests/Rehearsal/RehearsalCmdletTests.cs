namespace PgMigration.Cmdlets.Tests;

/// <summary>Invoke-MigrationRehearsal in the real engine, as far as that needs no servers.</summary>
public sealed class RehearsalCmdletTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void WhatIf_makes_no_folder_and_starts_nothing()
    {
        string path = Path.Combine(_folder.Path, "rehearsal");

        Assert.Empty(_engine.Run("Invoke-MigrationRehearsal -Path $args[0] -WhatIf", path));
        Assert.False(Directory.Exists(path));
    }
}
