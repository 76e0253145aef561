# A local DMS from its start to its removal, as a rehearsal script does it.
BeforeAll {
    $ErrorActionPreference = 'Stop'
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
    $folder = Join-Path ([IO.Path]::GetTempPath()) "pgm-dms-$(New-Guid)"
    $dms = Start-LocalDms $folder -Region eu-central-1
}

AfterAll {
    Stop-LocalDms $folder -Remove
}

Describe 'A local DMS' {
    It 'listens on loopback, and is one process however often it is started' {
        $dms.Endpoint.IsLoopback | Should -BeTrue
        (Start-LocalDms $folder).ProcessId | Should -Be $dms.ProcessId
        Get-Process -Id $dms.ProcessId | Should -Not -BeNullOrEmpty
    }

    It 'shows no secret, in a table or in a file' {
        $secret = [Net.NetworkCredential]::new('', $dms.SecretAccessKey).Password
        $secret.Length | Should -BeGreaterThan 20
        $dms | Export-Clixml "$TestDrive/dms.xml"
        "$($dms | Format-List * | Out-String)$($dms | ConvertTo-Json -Depth 3)$(Get-Content -Raw "$TestDrive/dms.xml")" | Should -Not -BeLike "*$secret*"
    }

    It 'answers the cmdlets of DMS' {
        Get-PgDmsReplication -LocalDms $dms | Should -BeNullOrEmpty
    }

    It 'is found again from its description that was kept in a file, with its key' {
        $dms | Export-Clixml "$TestDrive/dms.xml"
        Get-PgDmsReplication -LocalDms (Import-Clixml "$TestDrive/dms.xml") | Should -BeNullOrEmpty
    }

    It 'does not start again elsewhere while it runs, and says what to do' {
        $caught = { Start-LocalDms $folder -Region us-east-1 } | Should -Throw -PassThru
        $caught.FullyQualifiedErrorId | Should -BeLike 'LocalDmsRunsOtherwise,*'
        "$caught" | Should -BeLike '*Stop-LocalDms*'
    }

    It 'goes on with -WhatIf, and stops when its description is piped that was kept in a file' {
        $dms | Export-Clixml "$TestDrive/dms.xml"
        Import-Clixml "$TestDrive/dms.xml" | Stop-LocalDms -WhatIf
        (Get-Process -Id $dms.ProcessId).HasExited | Should -BeFalse
        Import-Clixml "$TestDrive/dms.xml" | Stop-LocalDms -Remove
        Test-Path $folder | Should -BeFalse
        [PgMigration.LocalDmsServer]::Find($folder) | Should -BeNullOrEmpty
        { Get-PgDmsReplication -LocalDms (Import-Clixml "$TestDrive/dms.xml") } | Should -Throw "*Start-LocalDms -Path '$folder'*"
    }
}
