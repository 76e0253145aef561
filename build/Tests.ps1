# Runs every test project, then the Pester suites where Pester is, and counts.

# Returns the exit code: 0 when tests ran and none failed.
function Invoke-AllTests([string] $Stage) {
    $env:PGMIGRATION_ROOT = $Root
    $env:PGMIGRATION_BIN = "$Stage/native"
    $results = "$Root/out/tests"
    if ([IO.Directory]::Exists($results)) { [IO.Directory]::Delete($results, $true) }

    Invoke-Dotnet build "$Root/PgMigration.slnx" -c Release -v quiet -nologo
    $passed = $failed = $skipped = 0
    foreach ($run in Invoke-TestProject $results) {
        $name = $run.Name
        $code = $run.ExitCode
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

# Two projects at once, since their tests wait for servers more than they compute; the longest begins first. What a project prints is shown
# when it has ended, so that they do not mix. Returns a name and an exit code each.
function Invoke-TestProject([string] $Results) {
    $waiting = [Collections.Generic.Queue[string]]::new()
    $projects = [IO.Directory]::GetFiles("$Root/tests", '*.Tests.csproj', 'AllDirectories')
    [array]::Sort($projects, [StringComparer]::Ordinal)
    foreach ($project in @($projects -match '[\\/]PgMigration\.Tests\.csproj$') + @($projects -notmatch '[\\/]PgMigration\.Tests\.csproj$')) { $waiting.Enqueue($project) }

    $null = [IO.Directory]::CreateDirectory($Results)
    $running = [Collections.Generic.List[object]]::new()
    try {
        while ($waiting.Count + $running.Count -gt 0) {
            while ($waiting.Count -gt 0 -and $running.Count -lt 2) {
                $project = $waiting.Dequeue()
                $name = [IO.Path]::GetFileNameWithoutExtension($project)
                Say "Testing $name"
                # into a file: a server that a test left behind would hold a pipe open for ever
                $words = @('-c', 'log=$1; shift; exec "$@" > "$log" 2>&1', 'sh', "$Results/$name.log") +
                    @((Find-Program dotnet), 'test', $project, '-c', 'Release', '--no-build', '--logger', "trx;LogFileName=$name.trx", '--results-directory', $Results)
                $running.Add([pscustomobject]@{ Name = $name; Process = [Diagnostics.Process]::Start([Diagnostics.ProcessStartInfo]::new('sh', [string[]]$words)) })
            }

            $ended = $null
            while (-not $ended) {
                # in short turns: the engine stops this script only between two statements
                $null = $running[0].Process.WaitForExit(200)
                $ended = @($running).Where({ $_.Process.HasExited }, 'First')[0]
            }
            $null = $running.Remove($ended)
            $Host.UI.WriteLine([IO.File]::ReadAllText("$Results/$($ended.Name).log"))
            [pscustomobject]@{ Name = $ended.Name; ExitCode = $ended.Process.ExitCode }
        }
    }
    finally {
        foreach ($left in $running) {
            if (-not $IsWindows -and -not $left.Process.HasExited) { [Diagnostics.Process]::Start('kill', "-TERM $($left.Process.Id)").WaitForExit() }
            $left.Process.WaitForExit()
        }
    }
}

function Invoke-PesterSuite {
    $counts = @{ Passed = 0; Failed = 0; Skipped = 0 }
    $pwsh, $modules = Get-Pester
    foreach ($module in $modules) {
        Say "Running the Pester suites with $($module.Name)"
        $line = ''
        $program, $words = $pwsh + @('-NoProfile', '-File', "$Root/build/Pester.ps1", '-Module', $module.Path) + $module.Words
        & $program @words | ForEach-Object { $line = "$_"; $Host.UI.WriteLine($line) }
        if ($line -notmatch '^PESTER passed (\d+) failed (\d+) skipped (\d+)$') {
            throw "The Pester suites ended without their counts: $line"
        }
        $counts.Passed += [int]$Matches[1]
        $counts.Failed += [int]$Matches[2]
        $counts.Skipped += [int]$Matches[3]
    }
    $counts
}

# A pwsh that the module takes, as a program with its first words, and the Pester to import there: those that are installed, else the pwsh of the tool
# manifest and the Pesters of build/Pester: all suites with the first one, one suite with each other. Nothing where they cannot be had.
function Get-Pester {
    $pwsh = Find-Program pwsh
    $ask = '$PSVersionTable.PSVersion -ge [version]"7.6" ? (Get-Module Pester -ListAvailable).Where{ $_.Version.Major -ge 5 }.Count : 0'
    if ($pwsh -and [int]"$(& $pwsh -NoProfile -Command $ask)" -gt 0) { return @($pwsh), @(@{ Name = 'the installed Pester'; Path = 'Pester'; Words = @() }) }

    if ($env:PGMIGRATION_PESTER -ne 'nuget') {
        Say 'Skipping the Pester suites: pwsh 7.6 or Pester 5 is not installed. With PGMIGRATION_PESTER=nuget both are downloaded, in another two minutes.'
        return
    }

    try {
        Invoke-Dotnet tool restore --tool-manifest "$Root/.config/dotnet-tools.json" -v quiet
        Invoke-Dotnet restore "$Root/build/Pester" -v quiet
        $packages = dotnet msbuild "$Root/build/Pester" -getProperty:NuGetPackageRoot
        $tool = [regex]::Match([IO.File]::ReadAllText("$Root/.config/dotnet-tools.json"), '"powershell":\s*\{\s*"version":\s*"([^"]+)"').Groups[1].Value
        $dll = [IO.Path]::Combine($packages, 'powershell', $tool, 'tools', 'net10.0', 'any', $IsWindows ? 'win' : 'unix', 'pwsh.dll')
        $versions = ([xml][IO.File]::ReadAllText("$Root/build/Pester/Pester.csproj")).Project.ItemGroup.PackageDownload.Version -replace '[\[\]]' -split ';'
        $words = @()
        $modules = foreach ($version in $versions) {
            @{ Name = "Pester $version"; Path = [IO.Path]::Combine($packages, 'pester', $version, 'tools', 'Pester.psd1'); Words = $words }
            $words = @('-Suite', 'Module.Tests.ps1')
        }
        @((Find-Program dotnet), $dll), @($modules)
    }
    catch {
        Say "Skipping the Pester suites: pwsh 7.6 or Pester 5 is not installed, and they could not be downloaded: $_"
    }
}
