# What a person sees in a plain terminal of 80 columns: nothing that matters is cut off or left out.
BeforeAll {
    $ErrorActionPreference = 'Stop'
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force

    # As it is shown, on one line: where lines break depends on the language of the session.
    function Show([Parameter(ValueFromPipeline)] $Object) {
        begin { $all = @() }
        process { $all += $Object }
        end { ($all | Out-String -Width 80) -replace '\s+', '' }
    }

    $app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:1/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini
    $server = [PgMigration.PgServer]::Parse('postgres://app@database-of-the-shop.eu-central-1.example.com:5432/shop')
    $link = [PgMigration.WalLink]@{ Source = $server; Target = $server; TargetAddress = $server; Archive = 's3://bucket/prod'; BackupName = 'base_1'; DataDirectory = '/nowhere'; SystemIdentifier = 7 }
}

Describe 'In a terminal of 80 columns' {
    It 'a plan shows each step, what it does and what undoes it, and both marks' {
        $plan = $link | Invoke-Cutover -App $app -WhatIf
        $shown = $plan | Show
        foreach ($text in $plan.Step + '=Promotion' + '=PointOfNoReturn' + $plan.Effect.ForEach{ $_.Substring(0, 15) }) {
            $shown | Should -BeLike "*$($text -replace '\s+', '')*"
        }
        [regex]::Matches($shown, 'undo:').Count | Should -BeGreaterOrEqual $plan.Count
    }

    It 'a cutover shows where it stopped, why, and its journal' {
        $facts = [PgMigration.CutoverFacts]@{ Id = 'c1'; Source = "$server"; Target = "$server" }
        $path = Join-Path $TestDrive 'a-journal-with-a-long-name-in-a-long-folder/20260102T000000Z-shop-0123456.journal'
        $journal = [PgMigration.CutoverJournal]::Create($path)
        $journal.Write('Planned', [NullString]::Value, 'PauseApp', $facts)
        $journal.Write('Failed', 'PauseApp', 'a transaction of another session did not end within 10 seconds', $null)
        $journal.Dispose()
        $shown = Get-Cutover $path | Show
        foreach ($text in 'PauseApp', 'atransactionofanothersessiondidnotendwithin10seconds', $path) { $shown | Should -BeLike "*$text*" }
    }

    It 'a gate''s no shows what was seen and what was expected' {
        $shown = New-MigrationGate -ScriptBlock { 'the error tracker says that it is down for maintenance tonight' } -Name 'a gate with quite a long name' | Test-MigrationGate | Show
        $shown | Should -BeLike '*False*downformaintenancetonight*'
        $shown | Should -BeLike '*expected:truefromthescriptblock*'
    }

    It 'a finding shows what to do' {
        $finding = [PgMigration.ReadinessFinding]@{ Severity = 'Blocker'; Name = 'NoPrimaryKey'; Subject = 'accounting.customer_invoice_positions'; Consequence = 'Updates and deletes would not be moved.'; Fix = 'ALTER TABLE accounting.customer_invoice_positions ADD PRIMARY KEY (id);' }
        $finding | Show | Should -BeLike '*fix:ALTERTABLEaccounting.customer_invoice_positionsADDPRIMARYKEY(id);*'
    }

    It 'a sequence shows whether it collides' {
        $sequence = [pscustomobject]@{ PSTypeName = 'PgMigration.PgSequence'; Schema = 'accounting'; Table = 'customer_invoice_positions'; Column = 'id'; Sequence = 'accounting.customer_invoice_positions_id_seq'; Origin = 'Serial'; LastValue = 1; ColumnValue = 1000; Collides = $true; PercentUsed = 0; Detail = $null }
        $sequence | Show | Should -BeLike '*Collides*True*'
    }
}
