# Gates as a script makes, asks and waits for them.
BeforeAll {
    $ErrorActionPreference = 'Stop'
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
}

Describe 'A gate of a script block' {
    It 'holds when the block writes $true' {
        $result = New-MigrationGate -ScriptBlock { 1 -lt 2 } -Name sums | Test-MigrationGate
        $result.Name, $result.Passed | Should -Be 'sums', $true
    }

    It 'does not hold when the block throws, and tells why' {
        $result = Test-MigrationGate { throw 'not tonight' }
        $result.Passed | Should -BeFalse
        $result.Reason | Should -BeLike '*not tonight*expected true*'
    }

    It 'may use the commands of PowerShell''s own modules' {
        $result = New-MigrationGate -ScriptBlock { param($file) Test-Path $file } -ArgumentList $PSCommandPath | Test-MigrationGate
        $result.Passed | Should -BeTrue -Because $result.Reason
    }

    It 'is asked with others, one row each, whatever the others say' {
        $results = { $true }, { $false }, { 'no answer' } | Test-MigrationGate
        $results.Passed | Should -Be $true, $false, $false
    }

    It 'is waited for until it holds' {
        $file = Join-Path $TestDrive 'ready'
        $gate = New-MigrationGate -ScriptBlock { param($file) if (Test-Path $file) { $true } else { Set-Content $file 'next time'; $false } } -ArgumentList $file -Name ready
        ($gate | Wait-MigrationGate -MaxInterval 10ms -Timeout 30).Passed | Should -BeTrue
    }
}

Describe 'A gate of an address' {
    It 'that nobody answers at does not hold, and is no error' {
        $result = New-MigrationGate -Http http://127.0.0.1:1/health -Name health | Test-MigrationGate -ErrorAction Stop
        $result.Passed | Should -BeFalse
        $result.Seen | Should -Not -BeNullOrEmpty
    }
}
