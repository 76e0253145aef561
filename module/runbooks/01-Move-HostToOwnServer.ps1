#requires -Version 7.6 -Modules PgMigration

<#
.SYNOPSIS
    Moves a database from a host without superuser to this server, following its WAL archive.
.DESCRIPTION
    Asks whether anything stands in the way, restores the newest backup beside the running host, follows the archive until the lag is small, and
    cuts the app over. Run it again from the top after anything that stopped it: a finished restore is found, an unfinished one goes on, and
    when the app has been moved it says so and does nothing. A cutover that was left half done is named; go on with Resume-Cutover or Undo-Cutover.
    -WhatIf restores nothing and changes nothing; it writes the findings and says what would be done.
.PARAMETER Source
    The server that the app leaves: postgres://…, service=name or a PgServer.
.PARAMETER Archive
    Where its backups and WAL are: s3://bucket/prefix or file:///path.
.PARAMETER DataDirectory
    Where the new server's data goes.
.PARAMETER App
    How the app is paused, repointed and let go on: from New-MigrationApp.
.PARAMETER Gate
    Checks of your own that must pass before the cutover begins.
.PARAMETER Below
    The lag at which the cutover begins, as a time or in bytes.
.PARAMETER Accept
    Names of blockers of Test-MigrationReadiness that you know and accept.
.PARAMETER Restore
    Further parameters of Start-WalRestore, such as @{ Port = 5433; AllowFrom = '10.0.0.0/16' }.
.EXAMPLE
    $app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:6432/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini
    ./01-Move-HostToOwnServer.ps1 -Source $env:DATABASE_URL -Archive s3://wal-bucket/shop -DataDirectory /data/pg -App $app
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [Parameter(Mandatory)] $Source,
    [Parameter(Mandatory)] [string] $Archive,
    [Parameter(Mandatory)] [string] $DataDirectory,
    [Parameter(Mandatory)] $App,
    [object[]] $Gate = @(),
    $Below = '64MB',
    [string[]] $Accept = @(),
    [hashtable] $Restore = @{}
)
$ErrorActionPreference = 'Stop'
if ($Host.Name -eq 'ConsoleHost' -and [Console]::IsInputRedirected -and -not $WhatIfPreference -and $ConfirmPreference -ne 'None') {
    throw 'This runbook asks before it changes anything, and this session has no terminal to ask at. Nothing was changed. Run it again with -Confirm:$false, or with -WhatIf.'
}

$from = (Test-PgServer $Source).Server
$earlier = @(Get-Cutover | Where-Object Source -EQ "$from" | Where-Object Outcome -NE BackOnSource)
if ($earlier -and $earlier[0].Outcome -eq 'CutOver') {
    "The app was moved from $from to $($earlier[0].Target) by the cutover of $($earlier[0].StartedAt.ToString('u')): nothing is left to do."
    exit 0
}
if ($earlier) {
    throw "A cutover from $from was left half done at $($earlier[0].LastStep). Go on with Resume-Cutover -Journal '$($earlier[0].Journal)', or back with Undo-Cutover, then run this again."
}

$backups = @(Get-WalBackup -Archive $Archive)
if (-not $backups) { throw "The archive $Archive holds no backup. Expected objects under basebackups_005/ there." }

$findings = @(Test-MigrationReadiness $from -For Wal)
$blockers = @($findings | Where-Object Severity -EQ Blocker | Where-Object Name -NotIn $Accept)
if ($blockers -and -not $WhatIfPreference) { throw "$($blockers.Count) things stand in the way: $($blockers -join ' ') Mend them, or name those that you accept with -Accept." }
if (-not $PSCmdlet.ShouldProcess("$Archive → $DataDirectory", 'Restore, follow and cut over')) {
    $findings
    exit 0
}

$link = Start-WalRestore -Archive $Archive -DataDirectory $DataDirectory -Source $from @Restore -Confirm:$false
$link | Wait-ReplicationLag -Below $Below | Invoke-Cutover -Source $from -App $App -Gate $Gate -Accept $Accept -Confirm:$false
exit 0
