BeforeDiscovery {
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
    # New-MigrationApp and New-MigrationGate only describe; the others change servers, files or the application
    $changing = @(Get-Command -Module PgMigration -Verb Start, Stop, Invoke, Repair, Resume, Undo, Copy, New |
        Where-Object Name -NotIn 'New-MigrationApp', 'New-MigrationGate', 'Invoke-MigrationRehearsal' | ForEach-Object { @{ Name = $_.Name } })
}

AfterAll {
    Remove-Module PgMigration -Force -ErrorAction Ignore
}

Describe 'Cmdlets that change something' {
    It '<Name> has -WhatIf and -Confirm' -ForEach $changing {
        (Get-Command $Name).Parameters.Keys | Should -Contain 'WhatIf'
        (Get-Command $Name).Parameters.Keys | Should -Contain 'Confirm'
    }
}

Describe 'Start-WalRestore -WhatIf' -Skip:(-not $IsLinux -or -not (Get-Command Start-WalRestore -ErrorAction Ignore)) {
    It 'leaves the disk as it was' {
        $folder = Join-Path $TestDrive 'data'
        try { Start-WalRestore -Archive $TestDrive -DataDirectory $folder -WhatIf -ErrorAction Stop } catch { $_ | Out-Null } # an empty archive is an error of its own
        Test-Path $folder | Should -BeFalse
    }
}
