namespace PgMigration.Cmdlets.Tests;

/// <summary>The runbooks as they ship, in the hosted engine, on real servers: a locked-down host, its archive, and a server whose administrator is no superuser.</summary>
[Collection("AWS keys in the environment")] // which the whole process shares: one at a time
public sealed class RunbookTests : IDisposable
{
    private static readonly string Runbooks = Path.Combine(Checkout.Root, "module", "runbooks");

    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly string _path = $"/tmp/pgm-rb-{Guid.NewGuid().ToString("N")[..8]}";
    private readonly string _journals = $"/tmp/pgm-rbj-{Guid.NewGuid().ToString("N")[..8]}";
    private readonly string? _data = Environment.GetEnvironmentVariable("XDG_DATA_HOME");

    public RunbookTests() => Environment.SetEnvironmentVariable("XDG_DATA_HOME", _journals); // journals of cutovers are the user's

    [Theory]
    [InlineData("01-Move-HostToOwnServer.ps1")]
    [InlineData("02-Move-OwnServerToAurora.ps1")]
    [InlineData("03-Move-AllTheWay.ps1")]
    public void A_runbook_has_help_for_each_of_its_parameters_and_uses_only_what_the_engine_and_the_module_have(string name)
    {
        var wrong = _engine.Run("""
            $tokens = $errors = $null
            $ast = [Management.Automation.Language.Parser]::ParseFile($args[0], [ref] $tokens, [ref] $errors)
            $errors
            $help = $ast.GetHelpContent()
            if (-not ($help.Synopsis -and $help.Description -and $help.Examples)) { 'no help' }
            foreach ($parameter in $ast.ParamBlock.Parameters) {
                if (-not $help.Parameters[$parameter.Name.VariablePath.UserPath.ToUpperInvariant()]) { "no help for $($parameter.Name)" }
            }
            $own = @($ast.FindAll({ $args[0] -is [Management.Automation.Language.FunctionDefinitionAst] }, $true)).ForEach{ $_.Name }
            foreach ($command in $ast.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true)) {
                $called = $command.GetCommandName()
                if ($called -and $called -notin $own -and (Get-Command $called).ModuleName -notin 'PgMigration', 'PgMigration.Cmdlets', 'Microsoft.PowerShell.Core') { "uses $called" }
            }
            """, Path.Combine(Runbooks, name));

        Assert.Empty(wrong.Select(line => line.ToString()));
    }

    [Fact]
    public void All_the_way_moves_the_app_twice_and_run_again_from_the_top_finds_that_done_or_finishes_it()
    {
        Directory.CreateDirectory(_journals);
        string output = string.Join('\n', _engine.Run("""
            $ErrorActionPreference = 'Stop'
            $none = [Threading.CancellationToken]::None
            $binaries = [PgMigration.PostgresBinaries]::Find([NullString]::Value, $null)
            $folder = [PgMigration.WorkFolder]::CreateAsync($args[0], [PgMigration.OSUser]::Default, $none).GetAwaiter().GetResult()
            $archive = $folder.MakeAsync('archive', $none).GetAwaiter().GetResult()
            $null = $folder.MakeAsync('archive/wal_005', $none).GetAwaiter().GetResult()
            $options = [PgMigration.LockedDownHostOptions]@{ Binaries = $binaries; ArchiveCommand = "cp %p $archive/wal_005/%f.new && mv $archive/wal_005/%f.new $archive/wal_005/%f" }
            $hostServer = [PgMigration.LockedDownHost]::CreateAsync($folder, $options, $none).GetAwaiter().GetResult()
            $aurora = [PgMigration.LocalAurora]::CreateAsync($folder, $binaries, $hostServer.App, $none).GetAwaiter().GetResult()
            $dms = Start-LocalDms -Path "$($args[0])/dms" -Confirm:$false
            try {
                function Sql($Server, $Text) { $session = $Server.ConnectAsync($none).GetAwaiter().GetResult(); try { $c = $session.CreateCommand(); $c.CommandText = $Text; $c.ExecuteScalar() } finally { $session.Dispose() } }
                $null = Sql $hostServer.App "CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL); INSERT INTO item (body) SELECT 'number ' || i FROM generate_series(1, 1000) i; CREATE INDEX ON item (body)"
                $null, $access, $observer, $null = [PgMigration.HostBackup].GetMethod('TakeAsync').GetParameters().ParameterType # types of the inner assembly have no name here
                $null = [PgMigration.HostBackup]::TakeAsync($hostServer, $access::To($archive), $observer.GetProperty('None').GetValue($null), $none).GetAwaiter().GetResult()
                $pooler = [PgMigration.LocalPgBouncer]::StartAsync($folder, $hostServer, 'transaction', 'pooler', $none).GetAwaiter().GetResult()
                $app = New-MigrationApp -PgBouncer $pooler.Admin -Database app -ConfigFile $pooler.ConfigurationFile
                $way = @{
                    Source = $hostServer.App; Archive = "file://$archive"; DataDirectory = "$($args[0])/own"; Target = $aurora.Administrator; App = $app; AppTarget = $aurora.App
                    DmsCredential = [pscredential]::new('dms', [Net.NetworkCredential]::new('', 'its own').SecurePassword)
                    Dms = @{ EndpointUrl = "$($dms.Endpoint)"; Region = $dms.Region }; Restore = @{ Port = [PgMigration.LoopbackPort]::Free() }; Force = $true
                }
                $env:AWS_ACCESS_KEY_ID = $dms.AccessKeyId
                $env:AWS_SECRET_ACCESS_KEY = [Net.NetworkCredential]::new('', $dms.SecretAccessKey).Password
                & "$($args[1])/03-Move-AllTheWay.ps1" @way -WhatIf | ForEach-Object { "planned $_" }
                & "$($args[1])/03-Move-AllTheWay.ps1" @way | ForEach-Object { "$($_.Outcome)" }
                & "$($args[1])/03-Move-AllTheWay.ps1" @way
                & "$($args[1])/03-Move-AllTheWay.ps1" @way -Remove
                $own = @(Get-WalRestore -DataDirectory $way.DataDirectory)[0].Target
                "slots left: $(Sql $own 'SELECT count(*) FROM pg_replication_slots')"
                try { & "$($args[1])/02-Move-OwnServerToAurora.ps1" -Source $own -Target $way.Target -App $app -AppTarget $own -SourceForDms $own -Confirm:$false } catch { "refused: $_" }
                "next $(Sql $pooler.App "INSERT INTO item (body) VALUES ('new') RETURNING id") of $(Sql $pooler.App 'SELECT count(*) FROM item')"
                "on the managed server: $((Sql $pooler.App "SELECT current_setting('port')") -eq $aurora.App.Port)"
            }
            finally {
                $env:AWS_ACCESS_KEY_ID = $env:AWS_SECRET_ACCESS_KEY = $null
                if ($pooler) { $null = $pooler.DisposeAsync().AsTask().GetAwaiter().GetResult() }
                Stop-LocalDms -Path "$($args[0])/dms" -Confirm:$false
                if ([IO.Directory]::Exists("$($args[0])/own")) { Stop-WalRestore "$($args[0])/own" -Force -Confirm:$false }
                $null = $aurora.DisposeAsync().AsTask().GetAwaiter().GetResult()
                $null = $hostServer.DisposeAsync().AsTask().GetAwaiter().GetResult()
            }
            """, _path, Runbooks).Select(line => line.ToString()));

        Assert.Contains("planned Leg 2 would copy the schema", output, StringComparison.Ordinal);
        Assert.True(System.Text.RegularExpressions.Regex.IsMatch(output, @"CutOver\nCutOver\nThe app was moved from [^\n]+ nothing is left to do\.\nThe app was moved from [^\n]+: what is left is DMS, [^\n]+\nThe app was moved from [^\n]+ nothing is left to do\.\nThe app was moved from [^\n]+, and DMS is removed\.\nslots left: 0\nrefused: -AppTarget [^\n]+ is not the target [^\n]+\nnext 1001 of 1001\non the managed server: True$"), output);
    }

    public void Dispose()
    {
        _engine.Dispose();
        Environment.SetEnvironmentVariable("XDG_DATA_HOME", _data);
        foreach (string folder in new[] { _path, _journals }.Where(Directory.Exists))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
