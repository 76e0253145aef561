# Runs a script in a session of its own: dot-source this file in BeforeAll.

# Returns what it wrote to both streams, and its exit code. Standard input is empty, as in CI.
function Invoke-Session {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Position = 0)] [string] $Script, [Parameter(ValueFromRemainingArguments)] [string[]] $Arguments, [string[]] $Options = @())

    $program = @([Environment]::ProcessPath)
    if ([IO.Path]::GetFileNameWithoutExtension($program[0]) -eq 'dotnet') { $program += "$PSHOME/pwsh.dll" } # pwsh as a .NET tool
    $file = Join-Path $TestDrive "$(New-Guid).ps1"
    Set-Content $file $Script
    $program, $words = $program + @('-NoProfile') + $Options + @('-File', $file) + $Arguments
    $output = $null | & $program @words 2>&1
    [pscustomobject]@{ Output = ($output | Out-String -Width 4096).Trim(); ExitCode = $LASTEXITCODE }
}
