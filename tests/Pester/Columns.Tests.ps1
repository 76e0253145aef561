# Tables in terminals of 80 and 120 columns: the engine sets a column by the first rows and cuts later, larger numbers from the left.
BeforeDiscovery {
    $views = ([xml](Get-Content "$PSScriptRoot/../../module/formats/PgMigration.Format.ps1xml" -Raw)).Configuration.ViewDefinitions.View
    $tables = foreach ($view in $views | Where-Object TableControl) { foreach ($width in 80, 120) { @{ View = $view.Name; Width = $width } } }
}

BeforeAll {
    $ErrorActionPreference = 'Stop'
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1")) -Force

    # What each view is given: small in the first rows, the largest that a migration of terabytes can have in the last one. Shown are the texts to look for.
    $long = 'a-name-that-is-as-long-as-names-are', 'a sentence that says at some length what is so and what to do about it'
    $at = [datetime]::new(2026, 8, 1, 10, 0, 0, 0, [DateTimeKind]::Utc)
    $samples = @{
        CutoverPlanRow = { param($big) @{ Number = $big ? 128 : 1; Step = 'FillSegment'; Mark = 'None'; Effect = $long[1]; Undo = $long[1] } }, { '128' }
        CutoverRecord = { param($big) @{ StartedAt = $at; Outcome = 'Unfinished'; Source = $long[0]; Target = $long[0]; LastStep = 'PauseApp'; Reason = $long[1]; Journal = 'j' } }, { '2026-08-01' }
        CutoverStepReport = { param($big) @{ Step = 'DrainLink'; Time = [timespan]::FromMilliseconds($big ? 86400123 : 7); Proof = $long[1] } }, { '86400123' }
        DmsPlanRow = { param($big) @{ What = 'Task'; Name = $long[0]; Action = 'Create'; Detail = 'about 1234567890 rows' } }, { '1234567890' }
        DmsRemoved = { param($big) @{ What = 'Task'; Name = $long[0]; Where = 'DMS'; Removed = $true; Detail = $long[1] } }, { 'Task' }
        DmsTableReport = { param($big) @{ Table = "accounting.$($long[0])"; State = 'Table completed'; LoadedRows = $big ? 9876543210123 : 1; Changes = $big ? 8765432101234 : 2; Applied = $big ? 7654321012345 : 3; Validation = 'Mismatched'; MismatchedRows = $big ? 132208 : 0 } }, { '9876543210123', '8765432101234', '7654321012345', '132208' }
        DmsTaskReport = { param($big) @{ Task = $long[0]; State = 'Following'; Status = 'running'; LoadedPercent = $big ? 100 : 1; Tables = [object[]]::new($big ? 65432 : 1); TablesInError = @(); Detail = $long[1] } }, { '100', '65432' }
        GateResult = { param($big) @{ Name = $long[0]; Passed = $false; Took = [timespan]::FromMilliseconds($big ? 86400123 : 7); Seen = $long[1]; Expected = $long[1] } }, { '86400123' }
        MigrationGate = { param($big) @{ Name = $long[0]; Kind = 'Http'; ConsecutivePasses = $big ? 123456 : 1; Expected = $long[1] } }, { '123456' }
        PgSequence = { param($big) @{ Schema = 'public'; Table = $long[0]; Column = 'id'; Sequence = 'public.orders_id_seq'; Origin = 'Serial'; LastValue = $big ? 9223372036854775807 : 1; ColumnValue = $big ? -9223372036854775807 : 2; Collides = $true; PercentUsed = $big ? 100 : 1; Detail = $long[1] } }, { '9223372036854775807', '-9223372036854775807', '100', 'Serial' }
        PgServer = { param($big) @{ Host = $big ? 'database-of-the-shop.eu-central-1.example.com' : 'db'; Port = $big ? 65432 : 5; Database = $long[0]; User = 'app' } }, { '65432' }
        ReadinessFinding = { param($big) @{ Severity = 'Warning'; Name = 'LargeValues'; Subject = 'public.orders'; Database = $null; Consequence = 'It has 123456789012 bytes.'; Fix = $long[1] } }, { '123456789012' }
        RehearsalPhase = { param($big) @{ Name = $long[0]; Duration = [timespan]::FromSeconds($big ? 172800 : 1); Bytes = $big ? 3298534883328 : 1; BytesPerSecond = $big ? 12345678901 : 1 } }, { '172800.00', '3298534.9', '12345.7' }
        RehearsalProof = { param($big) @{ Name = $long[0]; Passed = $true; Figure = $big ? 1234567890123 : 1; Detail = $long[1] } }, { '1234567890123' }
        ReplicationLag = { param($big) @{ SourceLsn = $big ? 'FFFFFFFF/FFFFFFFE' : '0/3000060'; TargetLsn = $big ? 'EFFFFFFF/FFFFFFFD' : '0/3000060'; Bytes = $big ? 1152921504606846976 : 0; Time = $big ? [timespan]::new(132, 20, 8, 1) : [timespan]::Zero; State = 'CatchingUp'; Detail = $long[1]; MeasuredAt = $at } }, { 'FFFFFFFF/FFFFFFFE', 'EFFFFFFF/FFFFFFFD', '1152921504606846976', '132.20:08:01', '10:00:00.000' }
        SchemaRow = { param($big) @{ Section = 'PreData'; Type = 'Index'; Name = $long[0]; Action = 'Create'; Reason = $long[1] } }, { 'PreData' }
        SequenceRepairRow = { param($big) @{ Schema = 'public'; Table = $long[0]; Column = 'id'; Sequence = 'public.orders_id_seq'; Action = 'Advance'; Before = $big ? 9223372036854775806 : 1; After = $big ? 9223372036854775807 : 2; Detail = $long[1] } }, { '9223372036854775806', '9223372036854775807' }
        'Wal.WalBackup' = { param($big) @{ Name = 'base_000000010000000000000003'; Time = [DateTimeOffset]$at; MajorVersion = 18; UncompressedSize = $big ? 17592186044416 : 1MB; CompressedSize = $big ? 3298534883328 : 1MB; StartLsn = $big ? 'FFFFF/FFFFFFFE' : '0/28'; IsDelta = $false; IsPermanent = $true } }, { '16 TB', '3072 GB', 'FFFFF/FFFFFFFE', '2026-08-01 10:00' }
        'Wal.WalGap' = { param($big) @{ Kind = 'Missing'; First = '0000000100000000000000A3'; Last = '0000000100000000000000A4'; Segments = $big ? 1234567890 : 1; Before = [DateTimeOffset]$at; After = [DateTimeOffset]$at } }, { '1234567890', '0000000100000000000000A3', '0000000100000000000000A4' }
        'Wal.WalTimeline' = { param($big) @{ Timeline = $big ? 4294967295 : 1; Parent = $big ? 4294967294 : $null; ForkedAt = 'FFFFFFFF/FFFFFFFE'; IsOnTheWay = $true; HasHistory = $true; First = '0000000100000000000000A3'; Last = '0000000100000000000000A4'; Segments = $big ? 1234567 : 1; StoredBytes = $big ? 17592186044416 : 1 } }, { '4294967295', '4294967294', 'FFFFFFFF/FFFFFFFE', '1234567', '16,777,216' }
    }
}

Describe 'In a terminal of <Width> columns' -ForEach $tables {
    It '<View> shows every number whole, also in later rows' {
        $make, $expected = $samples[$View -replace '^PgMigration\.']
        $make | Should -Not -BeNullOrEmpty -Because "each view needs a sample here, $View too"
        $rows = foreach ($big in @($false) * 40 + @($true)) {
            $row = [pscustomobject](& $make $big)
            $row.PSTypeNames.Insert(0, $View)
            $row
        }
        $shown = $rows | Out-String -Width $Width
        $shown | Should -Not -Match '…'
        foreach ($number in & $expected) { $shown | Should -Match "(?<![0-9A-F])$([regex]::Escape($number))(?![0-9A-F])" }
        ($shown -split '\r?\n').Where{ $_ -replace '\e\[[0-9;]*m' | Where-Object Length -GT $Width } | Should -BeNullOrEmpty
    }
}
