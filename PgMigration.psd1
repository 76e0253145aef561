@{
    RootModule           = 'module/PgMigration.psm1'
    ModuleVersion        = '0.1.0'
    GUID                 = '6d0b9c3e-7a54-4f0e-9f0b-1c6a2f8d4e57'
    Author               = 'The PgMigration authors'
    CompanyName          = 'The PgMigration authors'
    Copyright            = '(c) The PgMigration authors. MIT license.'
    Description          = 'Moves large live PostgreSQL databases off a host without superuser: restores a WAL-G archive, follows it, and cuts over with a fraction of a second of downtime; rehearsed beforehand on one machine.'
    PowerShellVersion    = '7.6'
    CompatiblePSEditions = @('Core')

    FormatsToProcess     = @('module/formats/PgMigration.Format.ps1xml')

    # one name a line, in alphabetical order of the nouns
    CmdletsToExport      = @(
        'Get-Cutover'
        'Invoke-Cutover'
        'Resume-Cutover'
        'Undo-Cutover'
        'Start-LocalDms'
        'Stop-LocalDms'
        'New-MigrationApp'
        'New-MigrationGate'
        'Test-MigrationGate'
        'Wait-MigrationGate'
        'Get-MigrationLink'
        'Test-MigrationReadiness'
        'Invoke-MigrationRehearsal'
        'Get-PgDmsReplication'
        'Remove-PgDmsReplication'
        'Start-PgDmsReplication'
        'Stop-PgDmsReplication'
        'Copy-PgSchema'
        'Get-PgSequence'
        'Repair-PgSequence'
        'Test-PgServer'
        'Get-ReplicationLag'
        'Wait-ReplicationLag'
        'Test-WalArchive'
        'Get-WalBackup'
        'Get-WalRestore'
        'Start-WalRestore'
        'Stop-WalRestore'
    )
    FunctionsToExport    = @()
    AliasesToExport      = @()
    VariablesToExport    = @()

    HelpInfoURI          = ''
    PrivateData          = @{
        PSData = @{
            Tags       = @('PostgreSQL', 'Postgres', 'Migration', 'WAL-G', 'WAL', 'Replication', 'Cutover', 'Backup', 'Restore', 'PSEdition_Core', 'Linux', 'Windows', 'MacOS')
            LicenseUri = 'https://opensource.org/license/mit'
            ProjectUri = 'https://example.org/pgmigration'
        }
    }
}
