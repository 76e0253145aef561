# The runbooks in a real pwsh: their help, and -WhatIf on what is not there.
BeforeDiscovery {
    $runbooks = Get-ChildItem "$PSScriptRoot/../../module/runbooks" -Filter *.ps1 | ForEach-Object { @{ Name = $_.Name; Path = $_.FullName } }
}

BeforeAll {
    $ErrorActionPreference = 'Stop'
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
}

Describe '<Name>' -ForEach $runbooks {
    It 'has help that Get-Help finds, for each of its parameters' {
        $help = Get-Help $Path -Full
        $help.Synopsis | Should -BeLike 'Moves a database*'
        $common = [Management.Automation.Cmdlet]::CommonParameters + [Management.Automation.Cmdlet]::OptionalCommonParameters
        foreach ($parameter in (Get-Command $Path).Parameters.Keys | Where-Object { $_ -notin $common }) {
            "$($help.parameters.parameter.Where{ $_.name -eq $parameter }.description.Text)".Length | Should -BeGreaterThan 10 -Because "-$parameter must be explained"
        }
    }

    It 'has -WhatIf and -Confirm' {
        (Get-Command $Path).Parameters.Keys | Should -Contain 'WhatIf'
        (Get-Command $Path).Parameters.Keys | Should -Contain 'Confirm'
    }

    It 'ends at once, with an error, when the source cannot be reached' {
        $given = @{ Source = 'postgres://app@127.0.0.1:1/shop'; App = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:1/pgbouncer -Database shop -ConfigFile ./a.ini }
        foreach ($parameter in (Get-Command $Path).Parameters.Values | Where-Object { $_.Attributes.Mandatory -contains $true -and -not $given.ContainsKey($_.Name) }) {
            $given[$parameter.Name] = switch ($parameter.Name) {
                'Archive' { "file://$TestDrive/archive" }
                'DataDirectory' { "$TestDrive/data" }
                'DmsCredential' { [pscredential]::new('dms', [securestring]::new()) }
                default { 'postgres://app@127.0.0.1:1/shop' }
            }
        }
        $caught = { & $Path @given -WhatIf } | Should -Throw -PassThru
        $caught.FullyQualifiedErrorId | Should -BeLike 'ServerUnreachable,*'
    }
}
