# Journals of cutovers, as the morning after reads them.
BeforeAll {
    $ErrorActionPreference = 'Stop'
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force

    # A journal by the hand that writes all of them.
    function New-Journal([string] $Path, [hashtable[]] $Lines) {
        $facts = [PgMigration.CutoverFacts]@{ Id = 'c1'; Source = 'postgres://app@old:5432/shop'; Target = 'postgres://app@new:5432/shop' }
        $journal = [PgMigration.CutoverJournal]::Create($Path)
        try {
            $journal.Write('Planned', [NullString]::Value, 'PauseApp, FenceSource', $facts)
            foreach ($line in $Lines) { $journal.Write($line.Event, $line.Step ?? [NullString]::Value, $line.Text ?? [NullString]::Value, $null) }
        }
        finally {
            $journal.Dispose()
        }
    }

    $home0 = $env:XDG_DATA_HOME
    $env:XDG_DATA_HOME = "$TestDrive/data" # journals are the user's
    $folder = "$TestDrive/data/PgMigration/cutovers"
}

AfterAll {
    $env:XDG_DATA_HOME = $home0
}

Describe 'Get-Cutover' -Skip:(-not $IsLinux) {
    BeforeAll {
        New-Journal "$folder/20260101-000000-shop.journal" @{ Event = 'Begun'; Step = 'PauseApp' }, @{ Event = 'Failed'; Step = 'PauseApp'; Text = 'a transaction did not end' }, @{ Event = 'BackOnSource' }
        New-Journal "$folder/20260102-000000-shop.journal" @{ Event = 'Begun'; Step = 'FenceSource' }
        Set-Content "$folder/20260103-000000-shop.journal" 'no journal'
    }

    It 'lists the cutovers of this user, newest first, and warns of what it cannot read' {
        $records = Get-Cutover -WarningVariable warnings -WarningAction SilentlyContinue
        $records.Outcome | Should -Be 'Unfinished', 'BackOnSource'
        "$warnings" | Should -BeLike '*20260103*'
    }

    It 'tells where a cutover stopped and why' {
        $record = Get-Cutover "$folder/20260101-000000-shop.journal"
        $record.LastStep, $record.Reason | Should -Be 'PauseApp', 'a transaction did not end'
        $record.Entries[0].Event | Should -Be 'Planned'
        $record.Entries[-1].At.Kind | Should -Be 'Utc'
    }

    It 'takes a path from the session''s location' {
        Push-Location $folder
        try { (Get-Cutover ./20260102-000000-shop.journal).Source | Should -Be 'postgres://app@old:5432/shop' } finally { Pop-Location }
    }

    It 'reads a journal that another session writes, and that session is the only one that may' {
        $journal = [PgMigration.CutoverJournal]::Open("$folder/20260102-000000-shop.journal")
        try {
            (Get-Cutover "$folder/20260102-000000-shop.journal").Outcome | Should -Be 'Unfinished'
            $app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:1/pgbouncer -Database shop -ConfigFile ./a.ini
            $link = [PgMigration.WalLink]@{ Source = $null; Target = [PgMigration.PgServer]::Parse('postgres://app@new:5432/shop'); TargetAddress = [PgMigration.PgServer]::Parse('postgres://app@new:5432/shop'); Archive = ''; BackupName = ''; DataDirectory = ''; SystemIdentifier = 7 }
            $caught = { $link | Undo-Cutover -Source postgres://app@old:5432/shop -App $app -Journal "$folder/20260102-000000-shop.journal" -Confirm:$false } | Should -Throw -PassThru
            $caught.FullyQualifiedErrorId | Should -BeLike 'JournalInUse,*'
        }
        finally {
            $journal.Dispose()
        }
    }
}
