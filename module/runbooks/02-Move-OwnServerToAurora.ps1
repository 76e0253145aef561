#requires -Version 7.6 -Modules PgMigration

<#
.SYNOPSIS
    Moves a database from a server of one's own to Aurora or RDS by AWS DMS.
.DESCRIPTION
    Copies what the rows need of the schema, asks whether anything stands in the way, starts DMS, waits until it has loaded and follows, makes the rest
    of the schema, and cuts the app over: sequences included. Run it again from the top after anything that stopped it: what is there is found, tasks are
    resumed, and when the app has been moved it says so, and what is left to do. A cutover that was left half done is named.
    Materialized views are filled with the rest of the schema, and not again: where a run is repeated days later, run REFRESH MATERIALIZED VIEW on the target first,
    and once more when the app has been moved; the cutover names them.
    DMS's tasks and endpoints stay until -Remove, also of a later run, or Remove-PgDmsReplication: their slots keep WAL on the source. -WhatIf changes nothing; it writes what would be made.
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
    Further parameters of Start-PgDmsReplication, such as @{ Region = 'eu-central-1'; ReplicationInstance = 'prod'; TaskCount = 4 }.
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
if ($Host.Name -eq 'ConsoleHost' -and [Console]::IsInputRedirected -and -not $WhatIfPreference -and $ConfirmPreference -ne 'None') {
    throw 'This runbook asks before it changes anything, and this session has no terminal to ask at. Nothing was changed. Run it again with -Confirm:$false, or with -WhatIf.'
}

$from = (Test-PgServer $Source).Server
$there = Test-PgServer $Target
$to = $there.Server
$reach = @{}
foreach ($name in 'EndpointUrl', 'LocalDms', 'Region', 'ProfileName') { if ($Dms.ContainsKey($name)) { $reach[$name] = $Dms[$name] } }

$caller = $PSCmdlet

function Write-LeftOut($Rows) {
    $names = @($Rows).ForEach{ "$($_.Type) $($_.Name): $($_.Reason)" }
    if ($names) { $caller.WriteWarning("$($names.Count) objects were left out (Copy-PgSchema -WhatIf shows them all): $(($names[0..9] -ne $null) -join '; ')") }
}

# What the app will be pointed at must be that target, and let the app in: a slip of the pen there would show only when all is loaded.
try { $asApp = Test-PgServer $AppTarget }
catch { throw "The app's login cannot reach the target: $_ DMS moves no roles: make the app's on $to, and give its address with -AppTarget." }
if ($asApp.SystemIdentifier -ne $there.SystemIdentifier -or $asApp.Server.Database -cne $to.Database) {
    throw "-AppTarget $($asApp.Server) is not the target $($to). Give the target's own address, with the app's login."
}

$earlier = @(Get-Cutover | Where-Object Source -EQ "$from" | Where-Object Target -EQ "$to" | Where-Object Outcome -NE BackOnSource)
if ($earlier -and $earlier[0].Outcome -eq 'CutOver') {
    $moved = "The app was moved from $from to $to by the cutover of $($earlier[0].StartedAt.ToString('u'))"
    $link = $null
    try { $link = Get-MigrationLink $from $to } catch { if ($_.FullyQualifiedErrorId -notlike 'LinkNotFound*') { throw } }
    if (-not $link) { "${moved}: nothing is left to do." }
    elseif (-not $Remove) { "${moved}: what is left is DMS, whose slots keep WAL on $from until its disk is full. Run this again with -Remove, or Remove-PgDmsReplication." }
    elseif ($PSCmdlet.ShouldProcess($link.TaskNames -join ', ', 'Remove the DMS tasks and what belongs to them')) {
        $link | Remove-PgDmsReplication @reach -Confirm:$false | Where-Object -Not Removed
        "${moved}, and DMS is removed."
    }
    exit 0
}
if ($earlier) {
    throw "A cutover from $from was left half done at $($earlier[0].LastStep). Go on with Resume-Cutover -Journal '$($earlier[0].Journal)', or back with Undo-Cutover, then run this again."
}

if (-not $PSCmdlet.ShouldProcess("$from → $to", 'Copy the schema, replicate by DMS, and cut over')) {
    Copy-PgSchema $from $to -WhatIf
    Test-MigrationReadiness $from $to -For Dms -SourceForDms $SourceForDms
    exit 0
}

Write-LeftOut (Copy-PgSchema $from $to -Section PreData -Confirm:$false | Where-Object Action -EQ Skip)

$blockers = @(Test-MigrationReadiness $from $to -For Dms -SourceForDms $SourceForDms | Where-Object Severity -EQ Blocker | Where-Object Name -NotIn $Accept)
if ($blockers) { throw "$($blockers.Count) things stand in the way: $($blockers -join ' ') Mend them, or name those that you accept with -Accept." }

$link = Start-PgDmsReplication $from $to -SourceForDms $SourceForDms @Dms -Confirm:$false
$null = $link | Wait-ReplicationLag -Below $Below
Write-LeftOut (Copy-PgSchema $from $to -Section PostData -Parallelism $Parallelism -Confirm:$false | Where-Object Action -EQ Skip)
$link | Wait-ReplicationLag -Below $Below | Invoke-Cutover -Source $from -App $App -AppTarget $AppTarget -Gate $Gate -Confirm:$false
if ($Remove) { $link | Remove-PgDmsReplication @reach -Confirm:$false | Where-Object -Not Removed }
exit 0
