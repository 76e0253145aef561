BeforeAll {
    $manifest = [IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")
    Import-Module $manifest -Force
    $expected = (Test-ModuleManifest $manifest).ExportedCmdlets.Keys | Sort-Object
}

Describe 'Importing the module' {
    It 'exports every cmdlet of the manifest' {
        (Get-Command -Module PgMigration).Name | Sort-Object | Should -Be $expected
    }

    It 'exports every cmdlet again after an import with -Force' {
        Import-Module $manifest -Force
        (Get-Command -Module PgMigration).Name | Sort-Object | Should -Be $expected
    }

    It 'exports every cmdlet again after a removal' {
        Remove-Module PgMigration
        Get-Command -Module PgMigration | Should -BeNullOrEmpty
        Import-Module $manifest
        (Get-Command -Module PgMigration).Name | Sort-Object | Should -Be $expected
    }

    It 'brings no name that another module on this machine has' {
        foreach ($name in $expected) { @(Get-Command $name -All).Source | Should -Be 'PgMigration' -Because $name }
    }

    It 'makes its types known' {
        [PgMigration.PgServer]::Parse('postgres://app@db/app').Host | Should -Be 'db'
    }

    It 'uses approved verbs only' {
        $approved = (Get-Verb).Verb
        (Get-Command -Module PgMigration).Verb | Sort-Object -Unique | ForEach-Object { $approved | Should -Contain $_ }
    }
}

Describe 'Help' {
    It 'shows a synopsis and three examples for every cmdlet' {
        foreach ($command in Get-Command -Module PgMigration) {
            $help = Get-Help $command.Name -Full
            $help.Synopsis.Trim() | Should -Not -BeLike "$($command.Name)*" -Because $command.Name
            @($help.examples.example).Count | Should -BeGreaterOrEqual 3 -Because $command.Name
        }
    }
}
