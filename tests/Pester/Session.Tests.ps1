# How the module behaves in the sessions that people have: strict ones, several at once, jobs, scripts that are stopped, and with two copies of it.
BeforeAll {
    $ErrorActionPreference = 'Stop'
    $manifest = [IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")
    Import-Module $manifest -Force

    # Links to the checkout lie here: what clears TestDrive goes through links, and removes what it finds.
    $outside = Join-Path ([IO.Path]::GetTempPath()) "pgm-s$(New-Guid)"
    $null = New-Item -ItemType Directory $outside

    . "$PSScriptRoot/Session.ps1"
}

AfterAll {
    [IO.Directory]::Delete($outside, $true) # takes the links, not what they lead to
}

Describe 'A session' {
    It 'that is strict and stops at every error imports the module, uses it and removes it' {
        $run = Invoke-Session @'
            param($Manifest)
            Set-StrictMode -Version Latest
            $ErrorActionPreference = 'Stop'
            Import-Module $Manifest
            $gate = New-MigrationGate -ScriptBlock { $true } -Name strict | Test-MigrationGate
            $gate | Format-Table | Out-String
            Remove-Module PgMigration
            "errors $($Error.Count) cmdlets $(@(Get-Command -Module PgMigration).Count) passed $($gate.Passed)"
'@ $manifest
        $run.Output | Should -Match '(?m)^errors 0 cmdlets 0 passed True$'
        $run.ExitCode | Should -Be 0
    }

    It 'finds the module by its name and loads it when a cmdlet is first used' {
        $modules = Join-Path $outside 'modules'
        $null = New-Item -ItemType Directory $modules
        $null = New-Item -ItemType SymbolicLink (Join-Path $modules 'PgMigration') -Target ([IO.Path]::GetDirectoryName($manifest))
        $run = Invoke-Session "`$env:PSModulePath = '$modules' + [IO.Path]::PathSeparator + `$env:PSModulePath; (Test-MigrationGate { `$true }).Passed; (Get-Module PgMigration).Name" $manifest
        $run.Output -split '\s+' | Should -Be 'True', 'PgMigration'
    }

    It 'may import it in several runspaces at once, and their objects go together' {
        $run = Invoke-Session @'
            param($Manifest)
            $ErrorActionPreference = 'Stop'
            $gates = 1..6 | ForEach-Object -ThrottleLimit 6 -Parallel {
                Import-Module $using:Manifest
                New-MigrationGate -ScriptBlock { param($n) $n -gt 0 } -ArgumentList $_ -Name "gate $_"
            }
            Import-Module $Manifest
            $results = $gates | Test-MigrationGate
            "$($results.Count) $($results.Passed -notcontains $false) $(@($gates.ForEach{ $_.GetType() } | Sort-Object -Unique GUID).Count)"
'@ $manifest
        $run.Output | Should -Be '6 True 1'
    }

    It 'passes live objects into the runspaces of ForEach-Object -Parallel' {
        $gate = New-MigrationGate -ScriptBlock { $true } -Name shared
        $results = 1..4 | ForEach-Object -ThrottleLimit 4 -Parallel {
            Import-Module $using:manifest
            $using:gate | Test-MigrationGate
        }
        $results.Passed | Should -Be $true, $true, $true, $true
    }

    It 'that has one copy refuses another, and says what to do' {
        $copy = Join-Path $outside 'copy'
        $null = New-Item -ItemType Directory $copy
        $root = [IO.Path]::GetDirectoryName($manifest)
        foreach ($part in 'PgMigration.psd1', 'module', 'bin', 'en-US') {
            if (Test-Path "$root/$part") { $null = New-Item -ItemType SymbolicLink (Join-Path $copy $part) -Target "$root/$part" }
        }
        $run = Invoke-Session @"
            param(`$Manifest)
            Import-Module `$Manifest
            try { Import-Module '$copy/PgMigration.psd1' -ErrorAction Stop } catch { "REFUSED `$_" }
            "still `$((Test-MigrationGate { `$true }).Passed)"
"@ $manifest
        $run.Output | Should -Match "(?s)REFUSED .*$([regex]::Escape([IO.Path]::GetDirectoryName($manifest))).*Open a new session"
        $run.Output | Should -Match '(?m)^still True$'
    }
}

Describe 'A script' {
    It 'ends with exit code 1 at an error of a cmdlet when errors stop it' {
        $run = Invoke-Session "param(`$Manifest) `$ErrorActionPreference = 'Stop'; Import-Module `$Manifest; Get-Cutover -Journal ./nothing.journal; 'went on'" $manifest
        $run.ExitCode | Should -Be 1
        $run.Output | Should -Match 'There is no journal'
        $run.Output | Should -Not -Match 'went on'
    }

    It 'goes on after an error of one of several servers, and has the error' {
        $failures = $null
        $reports = 'postgres://app@127.0.0.1:1/one', 'postgres://app@127.0.0.1:1/two' | Test-PgServer -ErrorAction SilentlyContinue -ErrorVariable failures
        $reports | Should -BeNullOrEmpty
        $failures.TargetObject.Database | Should -Be 'one', 'two'
        $failures.FullyQualifiedErrorId | Should -Be 'ServerUnreachable,PgMigration.Cmdlets.TestPgServerCommand', 'ServerUnreachable,PgMigration.Cmdlets.TestPgServerCommand'
    }

    It 'gets a job that ran elsewhere with its results as property bags, which can be shown' {
        $job = Start-Job { Import-Module $using:manifest; New-MigrationGate -ScriptBlock { $true } -Name job | Test-MigrationGate; New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:6432/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini }
        $results = $job | Receive-Job -Wait -AutoRemoveJob
        $results[0].PSTypeNames[0] | Should -Be 'Deserialized.PgMigration.GateResult'
        $results[0].Passed | Should -BeTrue
        $results | Out-String | Should -Match 'pgbouncer.ini'
    }
}
