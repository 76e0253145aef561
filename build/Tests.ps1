# Runs every test project, then the Pester suites where Pester is, and counts.

# Returns the exit code: 0 when tests ran and none failed.
function Invoke-AllTests([string] $Stage) {
    $env:PGMIGRATION_ROOT = $Root
    $env:PGMIGRATION_BIN = "$Stage/native"
    $results = "$Root/out/tests"
    if ([IO.Directory]::Exists($results)) { [IO.Directory]::Delete($results, $true) }

    Invoke-Dotnet build "$Root/PgMigration.slnx" -c Release -v quiet -nologo
    $passed = $failed = $skipped = 0
    foreach ($project in [IO.Directory]::GetFiles("$Root/tests", '*.Tests.csproj', 'AllDirectories')) {
        $name = [IO.Path]::GetFileNameWithoutExtension($project)
        Say "Testing $name"
        $code = Invoke-OnTerminal (Find-Program dotnet) 'test', $project, '-c', 'Release', '--no-build', '--logger', "trx;LogFileName=$name.trx", '--results-directory', $results
        if (-not [IO.File]::Exists("$results/$name.trx")) {
            throw "$name ended with exit code $code and left no results."
        }

        $counters = ([xml][IO.File]::ReadAllText("$results/$name.trx")).TestRun.ResultSummary.Counters
        $passed += [int]$counters.passed
        $skipped += [int]$counters.notExecuted
        # a run that crashed after its last test has no failed test, but has failed
        $failed += [Math]::Max([int]$counters.failed, [int]($code -ne 0 -and $counters.failed -eq '0'))
    }

    $pester = Invoke-PesterSuite
    $passed += $pester.Passed
    $failed += $pester.Failed
    $skipped += $pester.Skipped
    $Host.UI.WriteLine("$passed passed, $failed failed" + ($skipped ? ", $skipped skipped" : ''))
    [int]($failed -gt 0 -or $passed -eq 0)
}

function Invoke-PesterSuite {
    $counts = @{ Passed = 0; Failed = 0; Skipped = 0 }
    $pwsh = Find-Program pwsh
    $found = $pwsh ? (& $pwsh -NoProfile -Command '(Get-Module Pester -ListAvailable).Where{ $_.Version.Major -ge 5 }.Count') : '0'
    if ([int]"$found" -eq 0) {
        Say "Skipping the Pester suites: $($pwsh ? 'Pester 5 is not installed' : 'no pwsh is installed')."
        return $counts
    }

    Say 'Running the Pester suites'
    $line = ''
    & $pwsh -NoProfile -File "$Root/build/Pester.ps1" | ForEach-Object { $line = "$_"; $Host.UI.WriteLine($line) }
    if ($line -notmatch '^PESTER passed (\d+) failed (\d+) skipped (\d+)$') {
        throw "The Pester suites ended without their counts: $line"
    }
    $counts.Passed, $counts.Failed, $counts.Skipped = $Matches[1..3].ForEach([int])
    $counts
}
