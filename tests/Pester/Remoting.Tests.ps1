# Objects that came from another machine or out of a file: property bags that bind wherever the live ones do, without their secrets.
BeforeAll {
    $ErrorActionPreference = 'Stop'
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force

    # As remoting and jobs hand objects over: one level deep, unless more is asked for.
    function Send-Away([Parameter(ValueFromPipeline)] $Object, [int] $Depth = 1) {
        process {
            $file = Join-Path $TestDrive "$(New-Guid).xml"
            $Object | Export-Clixml $file -Depth $Depth
            Import-Clixml $file
        }
    }

    $live = [PgMigration.WalLink]@{
        Source = [PgMigration.PgServer]::Parse('postgres://app:hunter2@127.0.0.1:1/shop?sslmode=require'); Target = [PgMigration.PgServer]::Parse('postgres://postgres@127.0.0.1:1/shop')
        TargetAddress = [PgMigration.PgServer]::Parse('postgres://app:hunter2@127.0.0.1:1/shop'); Archive = 's3://bucket/prod'; BackupName = 'base_1'; DataDirectory = '/nowhere'; SystemIdentifier = 7123456789012345678
    }
    $link = $live | Send-Away
    $app = New-MigrationApp -PgBouncer postgres://admin:hunter2@127.0.0.1:1/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini | Send-Away
}

Describe 'A link from elsewhere' {
    It 'is measured, named and piped' {
        $link.PSTypeNames[0] | Should -Be 'Deserialized.PgMigration.WalLink'
        foreach ($lag in (Get-ReplicationLag $link), ($link | Get-ReplicationLag)) {
            $lag.State | Should -Be 'Stalled'
            $lag.Detail | Should -BeLike '*127.0.0.1:1*' # it was asked
        }
    }

    It 'has the same plan of a cutover as the live one, with an app from elsewhere too' {
        $plan = $link | Invoke-Cutover -App $app -WhatIf
        $plan.Count | Should -BeGreaterThan 5
        $plan.Effect | Should -Be ($live | Invoke-Cutover -App $app -WhatIf).Effect
    }

    It 'names the restored directory to Get-WalRestore and Stop-WalRestore' {
        $caught = { $link | Stop-WalRestore -Confirm:$false } | Should -Throw -PassThru
        "$caught" | Should -BeLike '*/nowhere*'
    }

    It 'is a server''s description too, for the cmdlets on one server' {
        $caught = { $link | Get-PgSequence -ErrorAction Stop } | Should -Throw -PassThru
        $caught.FullyQualifiedErrorId | Should -BeLike 'ServerUnreachable,*'
    }

    It 'binds to every parameter that takes a link' {
        foreach ($command in Get-Command -Module PgMigration | Where-Object { $_.Parameters.ContainsKey('Link') }) {
            $command.Parameters.Link.Attributes.TypeId.Name | Should -Contain 'ReplicationLinkTransformationAttribute' -Because $command.Name
        }
    }

    It 'carries no secret' {
        Get-ChildItem $TestDrive -Filter *.xml | Get-Content -Raw | Should -Not -BeLike '*hunter2*'
    }
}

Describe 'Apps from elsewhere' {
    It 'can be grouped with live ones' {
        $group = New-MigrationApp -Group $app, (New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:2/pgbouncer -Database shop -ConfigFile ./b.ini)
        $group.Apps.Kind | Should -Be 'PgBouncer', 'PgBouncer'
    }

    It 'of script blocks are refused, with what to do' {
        $blocks = New-MigrationApp -Pause { 1 } -Repoint { 2 } -Resume { 3 } | Send-Away -Depth 2
        { $link | Invoke-Cutover -App $blocks -WhatIf } | Should -Throw '*New-MigrationApp*'
    }
}

Describe 'Servers from elsewhere' {
    It 'bind to every parameter that takes a server' {
        foreach ($command in Get-Command -Module PgMigration) {
            foreach ($parameter in $command.Parameters.Values | Where-Object { "$($_.ParameterType)" -match '\bPgMigration\.PgServer\b' }) {
                $parameter.Attributes.TypeId.Name | Should -Contain 'PgServerTransformationAttribute' -Because "$($command.Name) -$($parameter.Name)"
            }
        }
    }

    It 'are asked again, as a report that came from there' {
        $report = [pscustomobject]@{ Server = $live.Target | Send-Away; Version = '15.14' }
        $caught = { $report | Test-PgServer -ErrorAction Stop } | Should -Throw -PassThru
        $caught.TargetObject.Host, $caught.TargetObject.User | Should -Be '127.0.0.1', 'postgres'
    }
}

Describe 'Objects from elsewhere' {
    It 'are shown as the live ones: <Type>' -ForEach @(
        @{ Type = 'GateResult'; Make = { Test-MigrationGate { $true } } }
        @{ Type = 'CutoverPlanRow'; Make = { ($live | Invoke-Cutover -App $app -WhatIf)[0] } }
        @{ Type = 'WalLink'; Make = { $live } }
        @{ Type = 'PgServer'; Make = { $live.Source } }
        @{ Type = 'ReplicationLag'; Make = { $live | Get-ReplicationLag } }
    ) {
        $object = & $Make
        $there = $object | Send-Away | Out-String -Width 200
        $there | Should -Be ($object | Out-String -Width 200)
        $there.Trim() | Should -Not -BeNullOrEmpty
    }

    It 'have a view of their own wherever the live ones have one' {
        $views = [xml](Get-Content "$PSScriptRoot/../../module/formats/PgMigration.Format.ps1xml" -Raw)
        foreach ($view in $views.Configuration.ViewDefinitions.View) {
            $types = $view.ViewSelectedBy.TypeName
            $types | Should -Contain "Deserialized.$(@($types)[0])"
        }
    }
}
