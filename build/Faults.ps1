# Cutovers whose parts are killed, frozen, cut off and filled up, on real servers. The last line is for machines.

# Returns the exit code: 0 when nothing was lost, doubled or stuck, and never two servers took writes.
function Invoke-Faults([string] $Stage, [int] $Runs = 200, [int] $Seed = 1, [string] $Only, [string] $At, [double] $For, [switch] $Everything) {
    $env:PGMIGRATION_BIN = "$Stage/native"
    Invoke-Dotnet build "$Root/tests/PgMigration.Faults" -c Release -v quiet -nologo
    $words = @("$Root/tests/PgMigration.Faults/bin/Release/net10.0/PgMigration.Faults.dll", 'run', '--runs', "$Runs", '--seed', "$Seed")
    if ($Only) { $words += '--only', $Only }
    if ($At) { $words += '--at', $At }
    if ($For) { $words += '--for', $For.ToString([cultureinfo]::InvariantCulture) }
    if ($Everything) { $words += '--verbose' }
    Invoke-OnTerminal (Find-Program dotnet) $words
}
