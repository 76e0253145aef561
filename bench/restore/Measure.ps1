# One run, and what all runs say.

# Wall and CPU seconds of a command with all its children, the flush of the target included; and the peak of its memory if it prints one.
function Measure-Contender($Contender, [string] $Target) {
    & bash -c "find $(Join-Word $Contender.Source) -type f -exec cat {} + > /dev/null" # the page cache is no one's advantage
    & sync
    $said = & bash -c "set -eo pipefail; TIMEFORMAT='TIME %R %U %S'; { time { $($Contender.Restore); sync --file-system `"`$1`"; } ; } 2>&1" bench $Target
    & rm -rf $Target
    $time = ("$($said.Where{ $_ -like 'TIME *' })" -split ' ')[1..3].ForEach{ [double]::Parse($_, [cultureinfo]::InvariantCulture) }
    $peak = "$($said.Where{ $_ -like 'PEAK *' })"
    [pscustomobject]@{ Wall = $time[0]; Cpu = $time[1] + $time[2]; PeakMB = $peak ? [int]($peak.Split(' ')[1]) / 1024 : 0 }
}

function Get-Middle([double[]] $Values) {
    [array]::Sort($Values)
    $half = [int][Math]::Floor($Values.Count / 2)
    $Values.Count % 2 ? $Values[$half] : ($Values[$half - 1] + $Values[$half]) / 2
}

function Get-ResultLine($Runs, $Contenders) {
    'way          minimum  median  maximum  cpu (median), seconds'
    foreach ($contender in $Contenders) {
        $wall = [double[]]@($Runs[$contender.Name] | ForEach-Object Wall)
        [array]::Sort($wall)
        '{0,-12} {1,7:0.00} {2,7:0.00} {3,8:0.00} {4,7:0.00}' -f $contender.Name, $wall[0], (Get-Middle $wall), $wall[-1], (Get-Middle @($Runs[$contender.Name] | ForEach-Object Cpu))
    }
}

function Get-MachineLine($Runs) {
    $median = @{}
    foreach ($name in $Runs.Keys) { $median[$name] = Get-Middle @($Runs[$name] | ForEach-Object Wall) }
    foreach ($peer in 'pgbackrest', 'lz4_tar', 'cp') {
        "BENCH restore vs_$peer $([Math]::Round($median[$peer] / $median.ours, 2)) x"
    }
    "BENCH restore vs_barman $([Math]::Round($median.barman / $median.ours_s3, 2)) x"
    $peaks = [double[]]@($Runs.ours + $Runs.ours_s3 | ForEach-Object PeakMB)
    [array]::Sort($peaks)
    "BENCH restore peak_memory $([Math]::Round($peaks[-1])) MB"
}
