# Runs the suites, or one of them, in a pwsh of their own; the last line is for build.ps1. Pester is the installed one, or that of a path.
param([string] $Module = 'Pester', [string] $Suite = '')

$ErrorActionPreference = 'Stop'
Import-Module $Module -MinimumVersion 5.0
$result = Invoke-Pester -Path "$PSScriptRoot/../tests/Pester/$Suite" -PassThru
"PESTER passed $($result.PassedCount) failed $($result.FailedCount + $result.FailedBlocksCount + $result.FailedContainersCount) skipped $($result.SkippedCount)"
exit 0
