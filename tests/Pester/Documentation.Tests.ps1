# Every line of PowerShell that the help, the README and the pages show uses commands and parameters that there are.
BeforeDiscovery {
    $root = [IO.Path]::GetFullPath("$PSScriptRoot/../..")
    Import-Module "$root/PgMigration.psd1" -Force
    $pages = Get-Item "$root/README.md", "$root/docs/*.md", "$root/src/*/README.md" | ForEach-Object { @{ Page = [IO.Path]::GetRelativePath($root, $_.FullName); Path = $_.FullName } }
    $cmdlets = Get-Command -Module PgMigration | ForEach-Object { @{ Name = $_.Name } }
}

BeforeAll {
    Import-Module ([IO.Path]::GetFullPath("$PSScriptRoot/../../PgMigration.psd1"))

    # One text for each thing that is wrong with a piece of script.
    function Find-Mistake([string] $Script) {
        $tokens = $errors = $null
        $ast = [Management.Automation.Language.Parser]::ParseInput($Script, [ref] $tokens, [ref] $errors)
        foreach ($mistake in $errors) { $mistake.Message }
        foreach ($call in $ast.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true)) {
            $name = $call.GetCommandName()
            if ($name -notmatch '^[A-Z][a-z]+-(Migration|Pg|Wal|Dms|LocalDms|Cutover|Replication)') { continue }
            $command = Get-Command $name -Module PgMigration -ErrorAction Ignore
            if (-not $command) { "there is no $name"; continue }
            foreach ($parameter in $call.CommandElements.Where{ $_ -is [Management.Automation.Language.CommandParameterAst] }) {
                try { $null = $command.ResolveParameter($parameter.ParameterName) }
                catch { "$name has no -$($parameter.ParameterName)" }
            }
        }
    }
}

Describe 'What is shown' {
    It 'by the help of <Name> would be understood' -ForEach $cmdlets {
        $examples = @((Get-Help $Name -Full).examples.example.code)
        $examples.Count | Should -BeGreaterThan 0
        $examples | ForEach-Object { Find-Mistake $_ } | Should -BeNullOrEmpty
    }

    It 'on <Page> would be understood' -ForEach $pages {
        $blocks = [regex]::Matches((Get-Content $Path -Raw), '(?ms)^```powershell\s*\n(.*?)^```').ForEach{ $_.Groups[1].Value }
        $blocks | ForEach-Object { Find-Mistake $_ } | Should -BeNullOrEmpty
    }

    It 'names no cmdlet that there is not, on <Page>' -ForEach $pages {
        $named = [regex]::Matches((Get-Content $Path -Raw), '`([A-Z][a-z]+-(?:Migration|Pg|Wal|Dms|LocalDms|Cutover|Replication)[A-Za-z]*)\b').ForEach{ $_.Groups[1].Value } | Sort-Object -Unique
        $named | Where-Object { -not (Get-Command $_ -Module PgMigration -ErrorAction Ignore) } | Should -BeNullOrEmpty
    }
}
