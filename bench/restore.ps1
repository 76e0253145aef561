# Restores the same cluster by our loader and by its peers, in turn, and prints how they compare.
# One rule for all: the archive is in the page cache before a run, the disk is quiet, and a run ends when everything is on disk (syncfs).
param(
    [int] $Rounds = 7,
    [long] $DataSize = 3GB
)
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
. "$PSScriptRoot/../build/Process.ps1"
. "$PSScriptRoot/restore/Cluster.ps1"
. "$PSScriptRoot/restore/Contenders.ps1"
. "$PSScriptRoot/restore/Measure.ps1"

$folder = [IO.Directory]::CreateTempSubdirectory('pgm-bench-').FullName
$s3 = $null
try {
    & chmod 0755 $folder # the server's OS user works below
    $runner = Build-Runner
    Say "Making a cluster of $([Math]::Round($DataSize / 1GB, 1)) GB"
    $cluster = New-BenchCluster $folder $DataSize
    $s3 = Start-BenchS3 "$folder/s3"
    Say 'Backing it up by everyone'
    $contenders = New-Contender -Folder $folder -Cluster $cluster -Runner $runner -S3 $s3

    $runs = @{}
    foreach ($contender in $contenders) { $runs[$contender.Name] = [Collections.Generic.List[object]]::new() }
    foreach ($round in 1..$Rounds) {
        foreach ($contender in $contenders) {
            Say "Round $round of ${Rounds}: $($contender.Name)"
            $runs[$contender.Name].Add((Measure-Contender $contender "$folder/target"))
        }
    }

    Get-ResultLine $runs $contenders
    Get-MachineLine $runs
}
finally {
    if ($s3) { Stop-BenchS3 $s3 }
    if ($cluster) { Stop-BenchCluster $cluster }
    [IO.Directory]::Delete($folder, $true)
}
exit 0
