# One task runner for the whole project: build.ps1 [Build | Test | Rehearse | Faults | Bench <name> | Pack] [the task's own arguments].
# Works in pwsh and, where none is installed, in our own shell: dotnet run --project src/PgMigration.Shell -- build.ps1 Test
# That shell has no Write-Host, Join-Path or Get-Content: here and in build/ only the language, the engine's own commands, .NET and programs.
param([string] $Task = 'Build')

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

# Nothing lingers after the task: no idle build node, and the compiler server, which saves seconds for each project, has a name of its own by
# which it is ended.
$env:MSBUILDDISABLENODEREUSE = '1'
$env:UseSharedCompilation = 'true'
$env:SharedCompilationId = "pgmigration-$PID"
$env:DOTNET_CLI_USE_MSBUILD_SERVER = '0'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$env:DOTNET_NOLOGO = '1'

. "$PSScriptRoot/build/Process.ps1"
. "$PSScriptRoot/build/Prerequisites.ps1"
. "$PSScriptRoot/build/Stage.ps1"
. "$PSScriptRoot/build/Tests.ps1"
. "$PSScriptRoot/build/Faults.ps1"

try {
    switch ($Task) {
        'Build' {
            Install-Prerequisite -For Build
            $null = New-Stage
            exit 0
        }
        'Test' {
            Install-Prerequisite -For Servers
            $stage = New-Stage
            exit (Invoke-AllTests -Stage $stage)
        }
        'Rehearse' {
            Install-Prerequisite -For Servers
            $null = New-Stage
            exit (Invoke-ChildShell '-File' "$PSScriptRoot/build/Rehearse.ps1" @args)
        }
        'Faults' {
            Install-Prerequisite -For Servers
            $stage = New-Stage
            exit (Invoke-Faults -Stage $stage @args)
        }
        'Bench' {
            $benches = @([IO.Directory]::Exists("$PSScriptRoot/bench") ? [IO.Directory]::GetFiles("$PSScriptRoot/bench", '*.ps1') : @()).ForEach{ [IO.Path]::GetFileNameWithoutExtension($_) }
            if ($args.Count -eq 0 -or $args[0] -notin $benches) {
                throw "Bench needs one of: $($benches -join ', ')."
            }
            Install-Prerequisite -For ($args[0] -eq 'Import' ? 'Servers' : 'Peers')
            $null = New-Stage
            $rest = @(if ($args.Count -gt 1) { $args[1..($args.Count - 1)] })
            exit (Invoke-ChildShell '-File' "$PSScriptRoot/bench/$($args[0]).ps1" @rest)
        }
        'Pack' {
            Install-Prerequisite -For Build
            New-Package -Stage (New-Stage)
            exit 0
        }
        default {
            throw "'$Task' is no task. Expected Build, Test, Rehearse, Faults, Bench or Pack."
        }
    }
}
finally {
    Stop-CompilerServer $env:SharedCompilationId
}
