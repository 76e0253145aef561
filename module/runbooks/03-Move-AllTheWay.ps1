#requires -Version 7.6 -Modules PgMigration

<#
.SYNOPSIS
    Moves a database from a host without superuser all the way to Aurora or RDS, and waits for a person's yes before each leg.
.DESCRIPTION
    Runs 01-Move-HostToOwnServer.ps1, then 02-Move-OwnServerToAurora.ps1 with the server that the first leg ended at. Before each it says what comes next and asks.
    A no ends it there, with the app where it is; run it again from the top when you are ready: what is done is found and left alone.
    -WhatIf asks nothing and changes nothing; it writes what each leg would find and make, as far as that can be known before.
.PARAMETER Source
    The host: postgres://…, service=name or a PgServer.
.PARAMETER Archive
    Where its backups and WAL are: s3://bucket/prefix or file:///path.
.PARAMETER DataDirectory
    Where the own server's data goes.
.PARAMETER Target
    Aurora or RDS, as its administrator.
.PARAMETER App
    How the app is paused, repointed and let go on: from New-MigrationApp.
.PARAMETER AppTarget
    The target as the app is to reach it, with the app's login.
.PARAMETER DmsCredential
    A login on the own server for DMS alone, so that the fence can tell its sessions from the app's, and its password; it is made if it is not there.
.PARAMETER DmsHost
    The own server's address as DMS reaches it, as host or host:port; by default its own on this machine.
.PARAMETER Gate
    Checks of your own that must pass before each cutover begins.
.PARAMETER Accept
    Names of blockers of Test-MigrationReadiness that you know and accept.
.PARAMETER Restore
    Further parameters of Start-WalRestore, such as @{ Port = 5433; AllowFrom = '10.0.0.0/16' }.
.PARAMETER Dms
    Further parameters of Start-PgDmsReplication, such as @{ Region = 'eu-central-1'; ReplicationInstance = 'prod' }.
.PARAMETER Remove
    Remove DMS's tasks, endpoints, slots and tables when the app has been moved; also of an earlier run.
.PARAMETER Force
    Ask nothing.
.EXAMPLE
    $app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:6432/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini
    ./03-Move-AllTheWay.ps1 -Source $env:DATABASE_URL -Archive s3://wal-bucket/shop -DataDirectory /data/pg -Target service=aurora -AppTarget service=aurora-app -DmsCredential dms -App $app
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)] $Source,
    [Parameter(Mandatory)] [string] $Archive,
    [Parameter(Mandatory)] [string] $DataDirectory,
    [Parameter(Mandatory)] $Target,
    [Parameter(Mandatory)] $App,
    [Parameter(Mandatory)] $AppTarget,
    [Parameter(Mandatory)] [pscredential] $DmsCredential,
    [string] $DmsHost = '',
    [object[]] $Gate = @(),
    [string[]] $Accept = @(),
    [hashtable] $Restore = @{},
    [hashtable] $Dms = @{},
    [switch] $Remove,
    [switch] $Force
)
$ErrorActionPreference = 'Stop'
$none = [Threading.CancellationToken]::None

$asking = $PSCmdlet

function Test-Yes([string] $Question) {
    $WhatIfPreference -or $Force -or $asking.ShouldContinue($Question, 'Move a database all the way')
}

$from = (Test-PgServer $Source).Server
foreach ($server in $Target, $AppTarget) { $null = Test-PgServer $server } # what the second leg goes to: better known now than after days
if (-not (Test-Yes "Leg 1: restore $Archive into $DataDirectory, follow it, and move the app there from $from. Begin?")) {
    "Nothing was begun. Run this again when you are ready."
    exit 0
}

& "$PSScriptRoot/01-Move-HostToOwnServer.ps1" -Source $from -Archive $Archive -DataDirectory $DataDirectory -App $App -Gate $Gate -Accept $Accept -Restore $Restore -WhatIf:$WhatIfPreference -Confirm:$false
if ($WhatIfPreference) {
    "Leg 2 would copy the schema from the server in $DataDirectory to $Target, replicate by DMS, and move the app there."
    exit 0
}

$link = @(Get-WalRestore -DataDirectory $DataDirectory)[0]
$own = $link.Target.WithDatabase($from.Database)
if (-not (Test-Yes "Leg 1 is done: the app runs on $own. Leg 2: copy the schema to $Target, replicate by DMS, and move the app there. Begin?")) {
    "The app runs on $own. Run this again when you are ready for the second leg."
    exit 0
}

# The server gets a verifier of the password and never the password itself, which would stand in its log when the statement fails.
$session = $own.ConnectAsync($none).GetAwaiter().GetResult()
try {
    $command = $session.CreateCommand()
    $command.CommandText = "SELECT set_config('pgmigration.login', @login, false), set_config('pgmigration.verifier', @verifier, false), set_config('pgmigration.app', @app, false)"
    $null = $command.Parameters.AddWithValue('login', $DmsCredential.UserName)
    $null = $command.Parameters.AddWithValue('verifier', [PgMigration.ScramVerifier]::Of($DmsCredential.Password))
    $null = $command.Parameters.AddWithValue('app', $from.User)
    $null = $command.ExecuteNonQuery()
    $command.Parameters.Clear()
    $command.CommandText = @'
DO $pgmigration$BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_setting('pgmigration.login')) THEN
        EXECUTE format('CREATE ROLE %I LOGIN REPLICATION PASSWORD %L', current_setting('pgmigration.login'), current_setting('pgmigration.verifier'));
        EXECUTE format('GRANT %I TO %I', current_setting('pgmigration.app'), current_setting('pgmigration.login'));
    END IF;
END$pgmigration$
'@
    $null = $command.ExecuteNonQuery()
}
finally {
    $session.Dispose()
}

$address = $link.TargetForApp($from)
$hostName, $port = $DmsHost ? $DmsHost.Split(':') : ($address.Host, "$($address.Port)")
$forDms = $address.WithHost($hostName, [int]($port ? $port : $address.Port)).WithUser($DmsCredential.UserName).WithPassword($DmsCredential.Password)
& "$PSScriptRoot/02-Move-OwnServerToAurora.ps1" -Source $own -Target $Target -App $App -AppTarget $AppTarget -SourceForDms $forDms -Gate $Gate -Accept $Accept -Dms $Dms -Remove:$Remove -Confirm:$false
exit 0
