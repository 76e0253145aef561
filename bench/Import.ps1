# How long an import of the module takes: in fresh processes, and repeated in one. A fresh process pays for the engine's own first use too.
$ErrorActionPreference = 'Stop'
$manifest = [IO.Path]::GetFullPath("$PSScriptRoot/../PgMigration.psd1")
$rounds = 7

function Get-Median([double[]] $Values) {
    [array]::Sort($Values)
    $Values[[int][Math]::Floor($Values.Count / 2)]
}

# a session without the module, in a process of its own; it prints the first import's time, then those of the next five
$measure = @"
`$watch = [Diagnostics.Stopwatch]::StartNew()
Import-Module '$manifest'
`$first = `$watch.Elapsed.TotalMilliseconds
"`$first"
foreach (`$i in 1..5) {
    `$watch.Restart()
    Import-Module '$manifest' -Force
    "`$(`$watch.Elapsed.TotalMilliseconds)"
}
exit 0
"@
$script = [IO.Path]::GetTempFileName() + '.ps1'
[IO.File]::WriteAllText($script, $measure)
try {
    $self = [Environment]::ProcessPath
    $bare = [IO.Path]::GetFileNameWithoutExtension($self) -eq 'pwsh' ? '-NoProfile' : '-NoModule' # our shell would import it first
    $runs = foreach ($i in 1..$rounds) { , [double[]](& $self $bare -File $script) }
}
finally {
    [IO.File]::Delete($script)
}

"BENCH Import fresh_process $([Math]::Round((Get-Median $runs.ForEach{ $_[0] }), 1)) ms"
"BENCH Import repeated $([Math]::Round((Get-Median $runs.ForEach{ Get-Median $_[1..5] }), 1)) ms"
exit 0
