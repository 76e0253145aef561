# Without a terminal nobody can answer: a cmdlet that would ask ends with an error, and changes nothing.
BeforeDiscovery {
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
    # every cmdlet that asks by itself, also one that is written tomorrow
    $asking = Get-Command -Module PgMigration | Where-Object { $_.ImplementingType.GetCustomAttributes([Management.Automation.CmdletAttribute], $false).ConfirmImpact -eq 'High' } | ForEach-Object { @{ Name = $_.Name } }
}

BeforeAll {
    $ErrorActionPreference = 'Stop'
    $manifest = [IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")
    Import-Module $manifest -Force
    . "$PSScriptRoot/Session.ps1"

    # What each of them is given; where nothing of it exists, only a question comes before the error that says so.
    $script = @'
        param($Manifest, $Folder)
        Import-Module $Manifest
        $server = [PgMigration.PgServer]::Parse('postgres://app@127.0.0.1:1/shop')
        $link = [PgMigration.WalLink]@{ Source = $server; Target = $server; TargetAddress = $server; Archive = 's3://bucket/prod'; BackupName = 'base_1'; DataDirectory = "$Folder/data"; SystemIdentifier = 7 }
        $task = [PgMigration.DmsTaskName]::new('shop', 'arn:aws:dms:eu-central-1:1:task:A', 'dms')
        $dms = [PgMigration.DmsLink]@{ Source = $server; Target = $server; Tasks = [PgMigration.DmsTaskName[]]@($task) }
        $app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:1/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini
        $given = @{
            'Invoke-Cutover' = @{ Link = $link; App = $app; Journal = "$Folder/new.journal" }
            'Resume-Cutover' = @{ Link = $link; App = $app; Journal = "$Folder/old.journal" }
            'Undo-Cutover' = @{ Link = $link; App = $app; Journal = "$Folder/old.journal" }
            'Stop-WalRestore' = @{ DataDirectory = "$Folder/data" }
            'Stop-PgDmsReplication' = @{ Link = $dms }
            'Remove-PgDmsReplication' = @{ Link = $dms }
        }
        foreach ($command in Get-Command -Module PgMigration) {
            $impact = $command.ImplementingType.GetCustomAttributes([Management.Automation.CmdletAttribute], $false).ConfirmImpact
            if ($impact -ne 'High') { continue }
            $parameters = $given[$command.Name]
            if (-not $parameters) { "$($command.Name) NOT TRIED"; continue }
            try { $null = & $command.Name @parameters -ErrorAction Stop; "$($command.Name) went on" }
            catch { "$($command.Name) $($_.FullyQualifiedErrorId) $_" }
        }
        # -Confirm asks for what would not be asked otherwise
        try { $null = Start-LocalDms "$Folder/dms" -Confirm -ErrorAction Stop; 'Start-LocalDms went on' } catch { "Start-LocalDms $($_.FullyQualifiedErrorId) $_" }
        try { $ConfirmPreference = 'Low'; $null = Stop-LocalDms "$Folder/dms" -ErrorAction Stop; 'Stop-LocalDms went on' } catch { "Stop-LocalDms $($_.FullyQualifiedErrorId) $_" }
        # what is not asked is not refused
        $ConfirmPreference = 'High'
        try { Stop-WalRestore "$Folder/data" -WhatIf } catch { "PLAN REFUSED $_" }
        try { Stop-WalRestore "$Folder/data" -Confirm:$false -ErrorAction Stop } catch { "UNASKED $($_.FullyQualifiedErrorId)" }
'@
    $runs = foreach ($words in @(), @('-NonInteractive')) { Invoke-Session $script $manifest $TestDrive -Options $words }
}

Describe 'Without a terminal' {
    It '<Name> ends with an error that names -Confirm:$false' -ForEach $asking {
        foreach ($run in $runs) {
            $run.Output | Should -Match "(?s)$Name ConfirmationImpossible,PgMigration\.Cmdlets\.[A-Za-z]+Command $Name asks .*?-Confirm:\`$false"
        }
    }

    It '-Confirm and $ConfirmPreference are refused in the same way' {
        foreach ($run in $runs) {
            $run.Output | Should -Match 'Start-LocalDms ConfirmationImpossible,'
            $run.Output | Should -Match 'Stop-LocalDms ConfirmationImpossible,'
        }
    }

    It '-WhatIf and -Confirm:$false are not refused, and nothing was asked' {
        foreach ($run in $runs) {
            $run.Output | Should -Match 'What if: '
            $run.Output | Should -Match 'UNASKED RestoreNotFound,'
            $run.Output | Should -Not -Match 'PLAN REFUSED|went on|NOT TRIED|\[Y\]|Object reference'
        }
    }

    It '<_> ends with an error that names -Confirm:$false' -ForEach '01-Move-HostToOwnServer', '02-Move-OwnServerToAurora' {
        $runbook = [IO.Path]::GetFullPath("$PSScriptRoot/../../module/runbooks/$_.ps1")
        $run = Invoke-Session @'
            param($Manifest, $Runbook)
            Import-Module $Manifest
            $server = 'postgres://app@127.0.0.1:1/shop'
            $given = @{ Source = $server; App = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:1/pgbouncer -Database shop -ConfigFile ./a.ini }
            foreach ($parameter in (Get-Command $Runbook).Parameters.Values | Where-Object { $_.Attributes.Mandatory -contains $true -and -not $given.ContainsKey($_.Name) }) { $given[$parameter.Name] = $server }
            foreach ($more in @{}, @{ Confirm = $false }, @{ WhatIf = $true }) { try { & $Runbook @given @more } catch { "$_" } }
'@ $manifest $runbook
        [regex]::Matches($run.Output, 'Nothing was changed\. Run it again with -Confirm:\$false').Count | Should -Be 1 -Because $run.Output
        $run.Output | Should -Not -Match 'Object reference'
    }

    It 'changes nothing' {
        Get-ChildItem $TestDrive -Exclude *.ps1 | Should -BeNullOrEmpty
    }
}
