# What a cutover costs the app: its longest gap between two acknowledged commits, beside the same by plain commands, in turn.
# Arguments: -Runs 10 -Rates 200,2000. The servers, the app and the clock are in tests/PgMigration.Faults.
param([int] $Runs = 10, [int[]] $Rates = @(200, 2000))

$ErrorActionPreference = 'Stop'
$root = [IO.Path]::GetDirectoryName($PSScriptRoot)
$current = [IO.File]::ReadAllText("$root/bin/module/current").Trim()
$env:PGMIGRATION_BIN = "$root/bin/module/$current/native"
dotnet build "$root/tests/PgMigration.Faults" -c Release -v quiet -nologo
if ($LASTEXITCODE -eq 0) {
    # each cutover runs in a process of its own, which must be as quick to start as a console with the module is
    $compiled = "$root/bin/module/$current/compiled/$([Runtime.InteropServices.RuntimeInformation]::RuntimeIdentifier)"
    foreach ($file in [IO.Directory]::Exists($compiled) ? [IO.Directory]::GetFiles($compiled) : @()) {
        [IO.File]::Copy($file, "$root/tests/PgMigration.Faults/bin/Release/net10.0/$([IO.Path]::GetFileName($file))", $true)
    }
    dotnet "$root/tests/PgMigration.Faults/bin/Release/net10.0/PgMigration.Faults.dll" bench --runs $Runs --rates ($Rates -join ',')
}
exit $LASTEXITCODE
