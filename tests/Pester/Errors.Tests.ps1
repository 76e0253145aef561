BeforeAll {
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force
}

AfterAll {
    Remove-Module PgMigration -Force -ErrorAction Ignore
}

Describe 'Errors' {
    It 'have the id that scripts rely on, and a category that fits' {
        $caught = { Get-WalBackup (Join-Path $TestDrive 'nothing-here') -ErrorAction Stop } | Should -Throw -PassThru
        $caught.FullyQualifiedErrorId | Should -Be 'ArchiveNotFound,PgMigration.Cmdlets.GetWalBackupCommand'
        $caught.CategoryInfo.Category | Should -Be 'ObjectNotFound'
    }

    It 'can be caught by their type' {
        $id = try { Get-WalBackup 'ftp://x/y' -ErrorAction Stop } catch [PgMigration.MigrationException] { $_.Exception.ErrorId }
        $id | Should -Be 'ArchiveAddressInvalid'
    }

    It 'do not repeat the secret of a server that could not be read' {
        $caught = { New-MigrationApp -PgBouncer 'postgrez://app:hunter2@pool/pgbouncer' -ErrorAction Stop } | Should -Throw -PassThru
        "$caught $($caught.Exception) $($caught.ErrorDetails)" | Should -Not -BeLike '*hunter2*'
    }
}
