# A slice of everything that needs nothing but a local PostgreSQL: report, sequences, schema, readiness, and a gate of a query.
BeforeDiscovery {
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
    . "$PSScriptRoot/LocalPostgres.ps1"
    $lacking = -not (Test-LocalPostgres)
}

Describe 'With a real server' -Skip:$lacking {
    BeforeAll {
        $ErrorActionPreference = 'Stop'
        Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
        . "$PSScriptRoot/LocalPostgres.ps1"
        $postgres = Start-LocalPostgres
        $null = Invoke-Sql "$($postgres.Address)/postgres" 'CREATE DATABASE shop'
        $null = Invoke-Sql "$($postgres.Address)/postgres" 'CREATE DATABASE copy'
        $shop = "$($postgres.Address)/shop"
        $copy = "$($postgres.Address)/copy"
        $null = Invoke-Sql $shop @'
            CREATE TABLE item (id bigserial PRIMARY KEY, body text NOT NULL);
            INSERT INTO item (body) SELECT 'number ' || i FROM generate_series(1, 100) i;
            CREATE INDEX item_body ON item (body);
            CREATE TABLE log (line text);
'@
    }

    AfterAll {
        Stop-LocalPostgres $postgres
    }

    It 'Test-PgServer reports it, named, piped, and as what another report was kept as' {
        $report = Test-PgServer $shop
        $report.IsSuperuser, $report.IsInRecovery, $report.Server.Database | Should -Be $true, $false, 'shop'
        $report | Export-Clixml "$TestDrive/report.xml" -Depth 2
        foreach ($again in ($shop | Test-PgServer), ($report | Test-PgServer), (Import-Clixml "$TestDrive/report.xml" | Test-PgServer)) {
            $again.SystemIdentifier | Should -Be $report.SystemIdentifier
        }
    }

    It 'a query is a gate' {
        $gate = New-MigrationGate -Query 'select count(*) from item' -Server $shop -Above 99 -Name 'has items'
        $result = $gate | Test-MigrationGate
        $result.Passed | Should -BeTrue -Because $result.Reason
        (New-MigrationGate -Query 'select count(*) from item' -Server $shop -Below 100 | Test-MigrationGate).Passed | Should -BeFalse
    }

    It 'Test-MigrationReadiness says what stands in the way, what comes of it and what to do' {
        $findings = Test-MigrationReadiness $shop -For Dms
        ($findings | Where-Object Name -EQ NoPrimaryKey).Subject | Should -Be 'public.log'
        $findings | Where-Object { -not $_.Consequence -or -not $_.Fix } | Should -BeNullOrEmpty
    }

    It 'a blocker among what it says is a gate that does not hold' {
        @(Test-MigrationReadiness $shop -For Wal | Where-Object Severity -EQ Blocker).Name | Should -Contain 'ArchiveOff'
        $result = New-MigrationGate -Readiness Wal -Source $shop | Test-MigrationGate
        $result.Passed | Should -BeFalse
        $result.Reason | Should -BeLike '*archive_mode*'
    }

    It 'Copy-PgSchema plans with -WhatIf, makes what the rows need, and finds nothing to do the second time' {
        $plan = Copy-PgSchema $shop $copy -Section PreData -WhatIf
        $plan.Action | Sort-Object -Unique | Should -Be 'Create'
        $plan.Name | Should -Contain 'public.item'
        Invoke-Sql $copy "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'" | Should -Be 0

        $null = Copy-PgSchema $shop $copy -Section PreData
        Invoke-Sql $copy "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'" | Should -Be 2
        Copy-PgSchema $shop $copy -Section PreData -WhatIf | Where-Object Action -EQ Create | Should -BeNullOrEmpty
    }

    It 'Repair-PgSequence moves what collides, and only without -WhatIf' {
        $null = Invoke-Sql $shop "SELECT setval('item_id_seq', 1)"
        (Get-PgSequence $shop | Where-Object Collides).Column | Should -Be 'id'
        $planned = Repair-PgSequence $shop -WhatIf
        (Get-PgSequence $shop | Where-Object Collides).Column | Should -Be 'id'

        $done = Repair-PgSequence $shop -SafetyMargin 10
        $done.Action | Should -Be $planned.Action
        Get-PgSequence $shop | Where-Object Collides | Should -BeNullOrEmpty
        Invoke-Sql $shop "INSERT INTO item (body) VALUES ('new') RETURNING id" | Should -Be 111
    }

    It 'Get-MigrationLink says that two databases of one server are no link' {
        $caught = { Get-MigrationLink $shop $copy } | Should -Throw -PassThru
        $caught.FullyQualifiedErrorId | Should -BeLike '*,PgMigration.Cmdlets.GetMigrationLinkCommand'
        $caught.Exception | Should -BeOfType PgMigration.MigrationException
    }

    It 'a login that is refused is told as that, without its password' {
        $null = Invoke-Sql $shop "CREATE ROLE nobody NOLOGIN PASSWORD 'hunter2'"
        $caught = { Test-PgServer ($shop -replace 'postgres@', 'nobody:hunter2@') -ErrorAction Stop } | Should -Throw -PassThru
        $caught.CategoryInfo.Category | Should -BeIn 'PermissionDenied', 'AuthenticationError'
        "$caught $($caught | Format-List * -Force | Out-String)" | Should -Not -BeLike '*hunter2*'
    }
}
