#requires -Version 7.6 -Modules PgMigration
<#
.SYNOPSIS
    Moves a database from a host without superuser to this server, following its WAL archive.
.DESCRIPTION
    Restores the newest backup beside the running host, follows the archive until the lag is small, and cuts the app over.
    Run it again after anything that stopped it: a finished restore is found, an unfinished one goes on.
    -WhatIf restores nothing and changes nothing; it says what would be done.
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
.EXAMPLE
    $app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:6432/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini
    ./Move-FromWalArchive.ps1 -Source $env:DATABASE_URL -Archive s3://wal-bucket/shop -DataDirectory /data/pg -App $app
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [Parameter(Mandatory)] $Source,
    [Parameter(Mandatory)] [string] $Archive,
    [Parameter(Mandatory)] [string] $DataDirectory,
    [Parameter(Mandatory)] [PgMigration.MigrationApp] $App,
    [PgMigration.MigrationGate[]] $Gate = @(),
    $Below = '64MB'
)
$ErrorActionPreference = 'Stop'

$backup = @(Get-WalBackup -Archive $Archive)
if (-not $backup) { throw "The archive $Archive holds no backup. Expected objects under basebackups_005/ there." }

if (-not $PSCmdlet.ShouldProcess("$Archive → $DataDirectory", 'Restore, follow and cut over')) { exit 0 }

$link = Start-WalRestore -Archive $Archive -DataDirectory $DataDirectory -Source $Source -Confirm:$false
$link | Wait-ReplicationLag -Below $Below | Invoke-Cutover -Source $Source -App $App -Gate $Gate -Confirm:$false
exit 0
