using System.Management.Automation;

namespace PgMigration.Cmdlets.Tests;

/// <summary>The cmdlets of a restore, as far as they go without a server: what a server does with them is tested in the library.</summary>
public sealed class WalRestoreCmdletTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly TemporaryFolder _folder = new();

    private string Archive => Path.Combine(_folder.Path, "archive");

    private string Data => Path.Combine(_folder.Path, "data");

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void WhatIf_restores_nothing()
    {
        Assert.Empty(_engine.Run("Start-WalRestore $args[0] -DataDirectory $args[1] -WhatIf", Archive, Data));
        Assert.False(Directory.Exists(Data));
    }

    [Fact]
    public void An_archive_without_a_backup_is_an_error_that_names_it()
    {
        Directory.CreateDirectory(Archive);

        var error = _engine.Fails("Start-WalRestore $args[0] -DataDirectory $args[1]", Archive, Data);

        Assert.Equal("BackupNotFound,PgMigration.Cmdlets.StartWalRestoreCommand", error.FullyQualifiedErrorId);
        Assert.Equal(ErrorCategory.ObjectNotFound, error.CategoryInfo.Category);
        Assert.False(Directory.Exists(Data));
    }

    [Theory]
    [InlineData("Get-WalRestore $args[0]", "GetWalRestoreCommand")]
    [InlineData("Stop-WalRestore $args[0] -Confirm:$false", "StopWalRestoreCommand")]
    [InlineData("Stop-WalRestore $args[0] -RemoveData -Force -Confirm:$false", "StopWalRestoreCommand")]
    public void A_directory_that_holds_no_restore_is_left_alone(string script, string command)
    {
        string file = Path.Combine(Directory.CreateDirectory(Data).FullName, "precious");
        File.WriteAllText(file, "data");

        Assert.Equal($"RestoreNotFound,PgMigration.Cmdlets.{command}", _engine.Fails(script, Data).FullyQualifiedErrorId);
        Assert.Equal("data", File.ReadAllText(file));
    }

    [Theory]
    [InlineData("30")]
    [InlineData("'soon'")]
    [InlineData("5M")] // minutes, or megabytes?
    [InlineData("-1")]
    [InlineData("$null")]
    public void A_lag_without_a_unit_is_refused(string typed) =>
        Assert.Contains("is not a lag", _engine.Fails(Limit(typed)).Exception.Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("16MB", "16.0 MB")]
    [InlineData("'16MB'", "16.0 MB")]
    [InlineData("0", "0 bytes")]
    [InlineData("'10s'", "10 s")]
    [InlineData("10s", "10 s")] // the engine reads a short
    [InlineData("2000s", "0.00:33:20")]
    [InlineData("40000s", "0.11:06:40")] // too large for one: the engine leaves the text
    [InlineData("5m", "0.00:05:00")]
    [InlineData("'00:00:10'", "10 s")]
    [InlineData("([timespan]::FromSeconds(10))", "10 s")]
    public void A_lag_is_read_as_it_is_typed(string typed, string expected) =>
        Assert.Equal(expected, Assert.Single(_engine.Run(Limit(typed))).ToString());

    [Theory]
    [InlineData("1d", "'1d' in quotes")]
    [InlineData("3000d", "'3000d' in quotes")]
    [InlineData("2000us", "unquoted 2000us")]
    [InlineData("10y", "unquoted 10y")]
    [InlineData("5000u", "unquoted 5000u")]
    public void A_lag_whose_unit_the_engine_took_away_is_refused_and_says_so(string typed, string expected) =>
        Assert.Contains(expected, _engine.Fails(Limit(typed)).Exception.Message, StringComparison.Ordinal);

    private static string Limit(string typed) =>
        $"function Limit {{ param([PgMigration.Cmdlets.LagLimitTransformation()] $Below) $Below.ToString() }}; Limit -Below {typed}";
}
