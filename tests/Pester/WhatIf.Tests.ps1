# -WhatIf and -Confirm: a plan, and nothing changed.
BeforeAll {
    $ErrorActionPreference = 'Stop'
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
    $app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:1/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini
    $link = [PgMigration.WalLink]@{
        Source = [PgMigration.PgServer]::Parse('postgres://app@127.0.0.1:1/shop'); Target = [PgMigration.PgServer]::Parse('postgres://postgres@127.0.0.1:1/shop')
        TargetAddress = [PgMigration.PgServer]::Parse('postgres://app@127.0.0.1:1/shop'); Archive = 's3://bucket/prod'; BackupName = 'base_1'; DataDirectory = '/nowhere'; SystemIdentifier = 7
    }
}

Describe '-WhatIf' {
    It 'of Start-WalRestore leaves the disk as it was' -Skip:(-not $IsLinux) {
        $folder = Join-Path $TestDrive 'data'
        Start-WalRestore -Archive "$TestDrive" -DataDirectory $folder -WhatIf | Should -BeNullOrEmpty
        Test-Path $folder | Should -BeFalse
    }

    It 'of Start-LocalDms starts nothing' {
        $folder = Join-Path $TestDrive 'dms'
        Start-LocalDms $folder -WhatIf | Should -BeNullOrEmpty
        Test-Path $folder | Should -BeFalse
    }

    It 'of Stop-LocalDms is quiet where none runs' {
        Stop-LocalDms (Join-Path $TestDrive 'dms') -Remove -WhatIf | Should -BeNullOrEmpty
    }

    It 'of Invoke-Cutover writes the plan, with the promotion before the point of no return' {
        $plan = $link | Invoke-Cutover -App $app -WhatIf
        $plan.Number | Should -Be (1..$plan.Count)
        $promotion = $plan | Where-Object Mark -EQ Promotion
        $return = $plan | Where-Object Mark -EQ PointOfNoReturn
        $promotion.Number | Should -BeLessThan $return.Number
        $plan | Where-Object { -not $_.Effect -or -not $_.Undo } | Should -BeNullOrEmpty
    }

    It 'of Invoke-Cutover -Until ends the plan there' {
        $plan = $link | Invoke-Cutover -App $app -Until FillSegment -WhatIf
        $plan[-1].Step | Should -Be 'FillSegment'
    }

    It 'of <Name> writes no report and asks no server' -ForEach @{ Name = 'Resume-Cutover' }, @{ Name = 'Undo-Cutover' } {
        $journal = Join-Path $TestDrive 'tonight.journal'
        $link | & $Name -App $app -Journal $journal -WhatIf | Should -BeNullOrEmpty
        Test-Path $journal | Should -BeFalse
    }

    It 'set for the session is heeded too' {
        $WhatIfPreference = $true
        Start-LocalDms (Join-Path $TestDrive 'dms') | Should -BeNullOrEmpty
        ($link | Invoke-Cutover -App $app)[0].Number | Should -Be 1
    }
}

Describe '-Confirm' {
    It 'is asked without being asked for by <_>' -ForEach 'Invoke-Cutover', 'Resume-Cutover', 'Undo-Cutover', 'Stop-WalRestore', 'Stop-PgDmsReplication', 'Remove-PgDmsReplication' {
        (Get-Command $_).ImplementingType.GetCustomAttributes([Management.Automation.CmdletAttribute], $false).ConfirmImpact | Should -Be 'High'
    }
}
