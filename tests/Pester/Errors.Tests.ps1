# What scripts catch: each refusal has an id that stays, a category that fits, and a text that says what to do next.
BeforeAll {
    $ErrorActionPreference = 'Stop'
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
    $app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:1/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini
    $link = [PgMigration.WalLink]@{
        Source = [PgMigration.PgServer]::Parse('postgres://app@127.0.0.1:1/shop'); Target = [PgMigration.PgServer]::Parse('postgres://postgres@127.0.0.1:1/shop')
        TargetAddress = [PgMigration.PgServer]::Parse('postgres://app@127.0.0.1:1/shop'); Archive = 's3://bucket/prod'; BackupName = 'base_1'; DataDirectory = '/nowhere'; SystemIdentifier = 7
    }
    $empty = New-Item -ItemType Directory (Join-Path $TestDrive 'empty')
    Push-Location $TestDrive
}

AfterAll {
    Pop-Location
}

Describe 'An error' {
    It 'has the id <Id>, the category <Category> and a next step: <Script>' -ForEach @(
        @{ Id = 'ArchiveNotFound'; Category = 'ObjectNotFound'; Says = 'nothing-here'; Script = { Get-WalBackup ./nothing-here } }
        @{ Id = 'ArchiveAddressInvalid'; Category = 'InvalidArgument'; Says = 's3://bucket/prefix'; Script = { Get-WalBackup ftp://x/y } }
        @{ Id = 'BackupNotFound'; Category = 'ObjectNotFound'; Says = 'basebackups_005'; Script = { Test-WalArchive $empty } }
        @{ Id = 'BackupNotFound'; Category = 'ObjectNotFound'; Says = 'basebackups_005'; Script = { Start-WalRestore $empty -DataDirectory ./data } }
        @{ Id = 'RestoreNotFound'; Category = 'ObjectNotFound'; Says = 'Start-WalRestore'; Script = { Get-WalRestore $empty } }
        @{ Id = 'RestoreNotFound'; Category = 'ObjectNotFound'; Says = 'Start-WalRestore'; Script = { Stop-WalRestore $empty -Confirm:$false } }
        @{ Id = 'ServerUnreachable'; Category = 'ConnectionError'; Says = '127.0.0.1:1'; Script = { Test-PgServer postgres://app@127.0.0.1:1/shop } }
        @{ Id = 'ServerUnreachable'; Category = 'ConnectionError'; Says = '127.0.0.1:1'; Script = { Get-PgSequence postgres://app@127.0.0.1:1/shop } }
        @{ Id = 'ServerUnreachable'; Category = 'ConnectionError'; Says = '127.0.0.1:1'; Script = { Repair-PgSequence postgres://app@127.0.0.1:1/shop -WhatIf } }
        @{ Id = 'ServerUnreachable'; Category = 'ConnectionError'; Says = '127.0.0.1:1'; Script = { Copy-PgSchema postgres://app@127.0.0.1:1/shop postgres://app@127.0.0.1:1/other -WhatIf } }
        @{ Id = 'ServerUnreachable'; Category = 'ConnectionError'; Says = '127.0.0.1:1'; Script = { Test-MigrationReadiness postgres://app@127.0.0.1:1/shop -For Dms } }
        @{ Id = 'ServerUnreachable'; Category = 'ConnectionError'; Says = '127.0.0.1:1'; Script = { Get-MigrationLink postgres://app@127.0.0.1:1/shop postgres://app@127.0.0.1:1/other } }
        @{ Id = 'ServerTextInvalid'; Category = 'InvalidArgument'; Says = 'postgres or postgresql'; Script = { 'postgrez://x/y' | Test-PgServer } }
        @{ Id = 'LagTimeout'; Category = 'OperationTimeout'; Says = '127.0.0.1:1'; Script = { $link | Wait-ReplicationLag -Below 10s -Timeout 100ms } }
        @{ Id = 'GateWaitTimedOut'; Category = 'OperationTimeout'; Says = 'false'; Script = { Wait-MigrationGate { $false } -Timeout 50ms } }
        @{ Id = 'ScriptBlockNotSelfContained'; Category = 'InvalidArgument'; Says = '-ArgumentList'; Script = { New-MigrationGate -ScriptBlock { $notMine } } }
        @{ Id = 'ScriptBlockExits'; Category = 'InvalidArgument'; Says = 'throw'; Script = { New-MigrationApp -Pause { exit 1 } -Repoint { } -Resume { } -SmokeTest { exit 1 } } }
        @{ Id = 'GateExpectationMissing'; Category = 'InvalidArgument'; Says = '-Below'; Script = { New-MigrationGate -Http https://host/ -JsonPath '$.a' } }
        @{ Id = 'JsonPathInvalid'; Category = 'InvalidArgument'; Says = 'character 3'; Script = { New-MigrationGate -Http https://host/ -JsonPath '$..a' -Below 1 } }
        @{ Id = 'GateAddressInvalid'; Category = 'InvalidArgument'; Says = 'https://'; Script = { New-MigrationGate -StatusPage status.example.com } }
        @{ Id = 'PoolersDoNotMatch'; Category = 'InvalidArgument'; Says = 'one each'; Script = { New-MigrationApp -PgBouncer postgres://a@h1/pgbouncer, postgres://a@h2/pgbouncer -Database shop -ConfigFile a, b, c } }
        @{ Id = 'HerokuTokenMissing'; Category = 'InvalidArgument'; Says = 'HEROKU_API_KEY'; Script = { $env:HEROKU_API_KEY = ''; New-MigrationApp -Heroku shop } }
        @{ Id = 'JournalNotFound'; Category = 'ObjectNotFound'; Says = 'Get-Cutover'; Script = { Get-Cutover ./nothing.journal } }
        @{ Id = 'JournalNotFound'; Category = 'ObjectNotFound'; Says = 'Get-Cutover'; Script = { $link | Resume-Cutover -App $app -Journal ./nothing.journal -Confirm:$false } }
        @{ Id = 'JournalNotFound'; Category = 'ObjectNotFound'; Says = 'Get-Cutover'; Script = { $link | Undo-Cutover -App $app -Journal ./nothing.journal -Confirm:$false } }
        @{ Id = 'SourceMissing'; Category = 'InvalidArgument'; Says = '-Source'; Script = { [PgMigration.WalLink]@{ Source = $null; Target = $link.Target; TargetAddress = $link.Target; Archive = ''; BackupName = ''; DataDirectory = ''; SystemIdentifier = 7 } | Invoke-Cutover -App $app -WhatIf } }
        @{ Id = 'WatchIncomplete'; Category = 'InvalidArgument'; Says = '-WatchGate'; Script = { $link | Invoke-Cutover -App $app -WatchFor 60 -WhatIf } }
        @{ Id = 'AutoUndoNeedsWayBack'; Category = 'InvalidArgument'; Says = '-KeepSourceInSync'; Script = { $link | Invoke-Cutover -App $app -AutoUndo -WhatIf } }
        @{ Id = 'StepUnknown'; Category = 'InvalidArgument'; Says = 'FillSegment'; Script = { $link | Invoke-Cutover -App $app -Until Fence -WhatIf } }
        @{ Id = 'LinkNotSupported'; Category = 'InvalidArgument'; Says = 'Start-PgDmsReplication'; Script = { $link | Get-PgDmsReplication } }
        @{ Id = 'LinkNotSupported'; Category = 'InvalidArgument'; Says = 'Start-PgDmsReplication'; Script = { $link | Stop-PgDmsReplication -WhatIf } }
        @{ Id = 'LinkNotSupported'; Category = 'InvalidArgument'; Says = 'Start-PgDmsReplication'; Script = { $link | Remove-PgDmsReplication -WhatIf } }
        @{ Id = 'EndpointInvalid'; Category = 'InvalidArgument'; Says = 'http'; Script = { Get-PgDmsReplication -EndpointUrl localhost:1 -Region eu-central-1 } }
        @{ Id = 'PathNotOnDisk'; Category = 'InvalidArgument'; Says = 'Env'; Script = { Start-LocalDms Env:/dms } }
    ) {
        $caught = { & $Script } | Should -Throw -PassThru
        $caught.FullyQualifiedErrorId | Should -BeLike "$Id,PgMigration.Cmdlets.*Command"
        $caught.CategoryInfo.Category | Should -Be $Category
        "$caught" | Should -BeLike "*$Says*"
        $caught.Exception | Should -BeOfType PgMigration.MigrationException
    }

    It 'of a parameter says what would be understood: <Script>' -ForEach @(
        @{ Says = '*postgres://user@host:port/database*'; Script = { Test-PgServer 7 } }
        @{ Says = '*Expected a link*'; Script = { Get-ReplicationLag postgres://app@db/shop } }
        @{ Says = '*Expected an app, as New-MigrationApp returns it.*'; Script = { $link | Invoke-Cutover -App shop } }
        @{ Says = '*is not a duration. Expected seconds (30)*'; Script = { Wait-MigrationGate { $true } -Timeout soon } }
        @{ Says = '*is not a lag. Expected a size with its unit*'; Script = { $link | Wait-ReplicationLag -Below 30 } }
        @{ Says = '*is not a size. Expected bytes*'; Script = { $link | Invoke-Cutover -App $app -MaxLag lots } }
        @{ Says = '*Expected gates, as New-MigrationGate returns them*'; Script = { $link | Invoke-Cutover -App $app -Gate 'status page' } }
        @{ Says = '*Wal, Dms*'; Script = { Test-MigrationReadiness postgres://app@127.0.0.1:1/shop -For Everything } }
        @{ Says = '*PreData, PostData*'; Script = { Copy-PgSchema postgres://app@127.0.0.1:1/a postgres://app@127.0.0.1:1/b -Section Tables } }
    ) {
        $caught = { & $Script } | Should -Throw -PassThru
        $caught.FullyQualifiedErrorId | Should -BeLike '*Argument*,PgMigration.Cmdlets.*Command'
        "$caught" | Should -BeLike $Says
    }

    It 'can be caught by its type' {
        $id = try { Get-WalBackup 'ftp://x/y' -ErrorAction Stop } catch [PgMigration.MigrationException] { $_.Exception.ErrorId }
        $id | Should -Be 'ArchiveAddressInvalid'
    }

    It 'does not repeat the secret of a server that was mistyped: <Script>' -ForEach @(
        @{ Script = { New-MigrationApp -PgBouncer postgrez://app:hunter2@pool/pgbouncer -Database shop -ConfigFile ./a.ini } }
        @{ Script = { Test-PgServer postgrez://app:hunter2@db/shop } }
        @{ Script = { 'postgrez://app:hunter2@db/shop' | Test-PgServer } }
        @{ Script = { New-MigrationGate -Query 'select true' -Server 'host=db password=hunter2 sslmode=perhaps' } }
        @{ Script = { $link | Invoke-Cutover -App $app -Source postgrez://app:hunter2@db/shop -WhatIf } }
    ) {
        $before = $Error.Count
        $caught = { & $Script } | Should -Throw -PassThru
        $Error.Count | Should -BeGreaterThan $before
        "$caught $($caught | Format-List * -Force | Out-String) $($Error | Format-List * -Force | Out-String)" | Should -Not -BeLike '*hunter2*'
    }
}
