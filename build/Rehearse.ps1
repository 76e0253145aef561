# The rehearsal as build.ps1 starts it: the arguments go to Invoke-MigrationRehearsal, and the last line is for machines.
$ErrorActionPreference = 'Stop'
Import-Module "$PSScriptRoot/../PgMigration.psd1"
try {
    Invoke-MigrationRehearsal @args -OutVariable report | Out-Default # here, or the blank line behind the view comes last
}
finally {
    $report | ForEach-Object MachineLine # also when a proof failed, which ends the cmdlet with an error after its report
}
exit 0
