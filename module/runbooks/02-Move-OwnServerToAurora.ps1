#requires -Version 7.6 -Modules PgMigration

<#
.SYNOPSIS
    Moves a database from a server of one's own to Aurora or RDS by AWS DMS.
.DESCRIPTION
    Copies what the rows need of the schema, asks whether anything stands in the way, starts DMS, waits until it has loaded and follows, makes the rest
    of the schema, and cuts the app over: sequences included. Run it again from the top after anything that stopped it: what is there is found, tasks are
    resumed, and when the app has been moved it says so and does nothing. A cutover that was left half done is named.
    Materialized views are filled with the rest of the schema, and not again: where a run is repeated days later, run REFRESH MATERIALIZED VIEW on the target first,
    and once more when the app has been moved; the cutover names them.
    DMS's tasks and endpoints stay until -Remove, or Remove-DmsReplication. -WhatIf changes nothing; it writes what would be made.
.PARAMETER Source
    The server that the app leaves, as a login that may read every table and fence it: its owner or a superuser.
.PARAMETER Target
    The server that it goes to, as its administrator.
.PARAMETER App
    How the app is paused, repointed and let go on: from New-MigrationApp.
.PARAMETER AppTarget
    The target as the app is to reach it, with the app's login.
.PARAMETER SourceForDms
    The source as DMS reaches it, with DMS's own login there.
.PARAMETER Dms
    Further parameters of Start-DmsReplication, such as @{ Region = 'eu-central-1'; ReplicationInstance = 'prod'; TaskCount = 4 }.
.PARAMETER Gate
    Checks of your own that must pass before the cutover begins.
.PARAMETER Below
    The lag at which the cutover begins.
.PARAMETER Accept
    Names of blockers of Test-MigrationReadiness that you know and accept.
.PARAMETER Parallelism
    How many indexes are built at the same time.
.PARAMETER Remove
    Remove DMS's tasks, endpoints, slots and tables when the app has been moved.
.EXAMPLE
    $app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:6432/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini
    ./02-Move-OwnServerToAurora.ps1 -Source service=own -Target service=aurora -AppTarget service=aurora-app -SourceForDms service=own-dms -App $app
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [Parameter(Mandatory)] $Source,
    [Parameter(Mandatory)] $Target,
    [Parameter(Mandatory)] $App,
    [Parameter(Mandatory)] $AppTarget,
    [Parameter(Mandatory)] $SourceForDms,
    [hashtable] $Dms = @{},
    [object[]] $Gate = @(),
    $Below = '10s',
    [string[]] $Accept = @(),
    [ValidateRange(1, 64)] [int] $Parallelism = 4,
    [switch] $Remove
)
$ErrorActionPreference = 'Stop'

$from = (Test-PgServer $Source).Server
$to = (Test-PgServer $Target).Server
$earlier = @(Get-Cutover | Where-Object Source -EQ "$from" | Where-Object Target -EQ "$to" | Where-Object Outcome -NE BackOnSource)
if ($earlier -and $earlier[0].Outcome -eq 'CutOver') {
    "The app was moved from $from to $to by the cutover of $($earlier[0].StartedAt.ToString('u')): nothing is left to do."
    exit 0
}
if ($earlier) {
    throw "A cutover from $from was left half done at $($earlier[0].LastStep). Go on with Resume-Cutover -Journal '$($earlier[0].Journal)', or back with Undo-Cutover, then run this again."
}

if (-not $PSCmdlet.ShouldProcess("$from → $to", 'Copy the schema, replicate by DMS, and cut over')) {
    Copy-PgSchema $from $to -WhatIf
    Test-MigrationReadiness $from $to -For Dms
    exit 0
}

$left = @(Copy-PgSchema $from $to -Section PreData -Confirm:$false | Where-Object Action -EQ Skip)
if ($left) { $PSCmdlet.WriteWarning("$($left.Count) objects were left out: Copy-PgSchema -WhatIf shows them with their reasons.") }

$blockers = @(Test-MigrationReadiness $from $to -For Dms | Where-Object Severity -EQ Blocker | Where-Object Name -NotIn $Accept)
if ($blockers) { throw "$($blockers.Count) things stand in the way: $($blockers -join ' ') Mend them, or name those that you accept with -Accept." }

$link = Start-DmsReplication $from $to -SourceForDms $SourceForDms @Dms -Confirm:$false
$null = $link | Wait-ReplicationLag -Below $Below
$null = Copy-PgSchema $from $to -Section PostData -Parallelism $Parallelism -Confirm:$false
$link | Wait-ReplicationLag -Below $Below | Invoke-Cutover -Source $from -App $App -AppTarget $AppTarget -Gate $Gate -Confirm:$false
if ($Remove) { $null = $link | Remove-DmsReplication -Confirm:$false }
exit 0
