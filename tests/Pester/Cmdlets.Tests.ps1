# What automation relies on in every cmdlet, whatever it does: help, -WhatIf and -Confirm, names that stay.
BeforeDiscovery {
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
    # these only read, wait or describe; every other one changes something, also one that is written tomorrow
    $reading = 'Get-*', 'Test-*', 'Wait-*', 'New-MigrationApp', 'New-MigrationGate'
    $cmdlets = Get-Command -Module PgMigration | ForEach-Object {
        $name = $_.Name
        @{ Name = $name; Reads = [bool]($reading | Where-Object { $name -like $_ }) }
    }
}

BeforeAll {
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1"))
}

Describe '<Name>' -ForEach $cmdlets {
    BeforeAll {
        $command = Get-Command $Name
        $help = Get-Help $Name -Full
        $common = [Management.Automation.Cmdlet]::CommonParameters + [Management.Automation.Cmdlet]::OptionalCommonParameters
        $own = $command.Parameters.Values | Where-Object Name -NotIn $common
    }

    It 'says in its help what it does, what each parameter means, and shows three examples' {
        $help.Synopsis.Length | Should -BeGreaterThan 20
        $help.Synopsis.TrimStart() | Should -Not -BeLike "$Name*" # the engine's own, when it finds no help
        foreach ($parameter in $own) {
            "$($help.parameters.parameter.Where{ $_.name -eq $parameter.Name }.description.Text)".Length | Should -BeGreaterThan 10 -Because "-$($parameter.Name) must be explained"
        }
        @($help.examples.example).Count | Should -BeGreaterOrEqual 3
    }

    It 'has -WhatIf and -Confirm if it changes something, and only then' {
        foreach ($parameter in 'WhatIf', 'Confirm') {
            $command.Parameters.ContainsKey($parameter) | Should -Be (-not $Reads) -Because "-$parameter is how a script holds back a change"
        }
    }

    It 'takes no password as plain text' {
        $own | Where-Object { $_.Name -match 'Password|Passphrase|Token' -and $_.ParameterType -ne [securestring] } | Should -BeNullOrEmpty -Because 'a command line is kept in the history'
    }
}
