# From "segment wanted" to "segment in place", as PostgreSQL has it done (sh -c, in the data directory): ours, cp, pgBackRest's archive-get with
# its asynchronous queue, barman-cloud-wal-restore. All from the same WAL, in turn, in each round. No way syncs: PostgreSQL does that itself.
# Cold: nothing was fetched ahead, and no process runs. Warm: what was fetched ahead is asked for. Then the rate of asking for all in a row.
param([int] $Rounds = 7, [int] $Segments = 24)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
$env:LC_ALL = 'C'
if ($Rounds -lt 1 -or $Segments -lt 6) { throw 'At least 1 round of 6 segments.' }

$root = [IO.Path]::GetDirectoryName($PSScriptRoot)
$native = "$root/bin/module/$([IO.File]::ReadAllText("$root/bin/module/current").Trim())/native"
$bin = (pg_config --bindir)
$work = [IO.Directory]::CreateTempSubdirectory('pgm-bench-wal-').FullName
$asServer = @(if ([Environment]::IsPrivilegedProcess) { 'setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--init-groups', '--' } else { 'env' })

function Find([string] $Name) { (Get-Command $Name -CommandType Application -TotalCount 1 -ErrorAction Ignore).Source }
function Invoke-AsServer { $first, $rest = @($asServer) + $args; & $first @rest }
function Get-Median([double[]] $Values) { [array]::Sort($Values); $Values[[int][Math]::Floor($Values.Count / 2)] }
function ConvertTo-JsonText([Collections.IDictionary] $Values) { [Text.Json.JsonSerializer]::Serialize([object]$Values, $Values.GetType(), [Text.Json.JsonSerializerOptions]::Default) }
function Say([string] $Text) { $Host.UI.WriteLine($Text) }

# One process for a way's part of a round: it asks for each segment and prints a line: label, microseconds, seconds of user and system time.
$harness = @'
#!/bin/bash
# way label first last command...   SEG stands for the segment's number in the list
TIMEFORMAT='%3U %3S'
mapfile -t names < "$WORK/names"
cd "$DATA" || exit 9
label=$1; first=$2; last=$3; shift 3
whole=$EPOCHREALTIME
for ((i = first; i <= last; i++)); do
  command=${1//SEG/${names[i]}}
  { time { t0=$EPOCHREALTIME; sh -c "$command" > /dev/null 2>> "$WORK/stderr"; code=$?; t1=$EPOCHREALTIME; }; } 2> "$WORK/cpu"
  [ $code -eq 0 ] || { echo "$label: '$command' ended with $code" >&2; tail -3 "$WORK/stderr" >&2; exit 1; }
  mv pg_wal/RECOVERYXLOG "pg_wal/${names[i]}" || exit 8
  echo "$label $(( ${t1/./} - ${t0/./} )) $(< "$WORK/cpu")"
done
end=$EPOCHREALTIME
echo "$label-whole $(( ${end/./} - ${whole/./} )) 0 0"
'@

# The WAL of a real server: loading, then small transactions; each segment goes into a folder, as cp is to find it.
function New-Wal {
    Say "Making $Segments segments of WAL with PostgreSQL"
    [IO.Directory]::CreateDirectory("$work/plain") | Out-Null
    if ([Environment]::IsPrivilegedProcess) { chown -R postgres: $work }
    $port = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $port.Start(); $number = $port.LocalEndpoint.Port; $port.Stop()
    Invoke-AsServer "$bin/initdb" --pgdata "$work/source" --username postgres --auth trust --no-sync | Out-Null
    [IO.File]::AppendAllText("$work/source/postgresql.conf", "
port = $number
listen_addresses = ''
unix_socket_directories = '$work'
fsync = off
archive_mode = on
archive_command = 'cp %p $work/plain/%f.new && mv $work/plain/%f.new $work/plain/%f'
max_wal_size = 16GB
")
    Invoke-AsServer "$bin/pg_ctl" start --pgdata "$work/source" --log "$work/source.log" --wait --silent
    $script:stopServer = { Invoke-AsServer "$bin/pg_ctl" stop --pgdata "$work/source" --mode fast --wait --silent }
    $server = @('--host', $work, '--port', "$number", '--username', 'postgres')
    & "$bin/pgbench" --initialize --quiet --scale 10 @server postgres 2>$null | Out-Null
    while (@(Get-Plain).Count -lt $Segments + 1) {
        & "$bin/pgbench" --client 4 --transactions 500 --no-vacuum @server postgres 2>$null | Out-Null
        & "$bin/psql" @server --quiet --no-psqlrc --command 'UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid % 4 = 0' postgres
    }
    if ($script:pgbackrest) {
        [IO.File]::WriteAllText("$work/pgbackrest.conf", "[global]
repo1-path=$work/repo
log-path=$work
lock-path=$work/lock
spool-path=$work/spool
process-max=2
compress-type=lz4
archive-async=y
archive-get-queue-max=1GB
log-level-console=off
log-level-file=off
[bench]
pg1-path=$work/source
pg1-port=$number
pg1-socket-path=$work
pg1-user=postgres
")
        Invoke-AsServer pgbackrest --config="$work/pgbackrest.conf" --stanza=bench stanza-create
    }
    & $script:stopServer
    $script:stopServer = { }
    $names = @(Get-Plain)[1..$Segments]
    [IO.File]::WriteAllLines("$work/names", [string[]]$names)
    $names
}

function Get-Plain { $files = [IO.Directory]::GetFiles("$work/plain").ForEach{ [IO.Path]::GetFileName($_) } -match '^[0-9A-F]{24}$'; [array]::Sort($files); $files }

# A service that speaks S3; ends when its standard input is closed.
function Start-S3 {
    [IO.Directory]::CreateDirectory("$work/s3") | Out-Null
    $start = [Diagnostics.ProcessStartInfo]::new('node', [string[]]("$root/tests/node/s3.js", "$work/s3", 'bench'))
    $start.WorkingDirectory = "$root/tests/node"
    $start.RedirectStandardInput = $start.RedirectStandardOutput = $true
    $process = [Diagnostics.Process]::Start($start)
    $script:endpoint = "http://127.0.0.1:$($process.StandardOutput.ReadLine())"
    $process
}

# A data directory as a restore leaves it, as far as the prefetcher looks at it.
function New-Follower([string] $Name, [hashtable] $Access, [string] $First) {
    $data = "$work/$Name"
    [IO.Directory]::CreateDirectory("$data/pg_wal") | Out-Null
    [IO.Directory]::CreateDirectory("$data/pgmigration/bin") | Out-Null
    foreach ($program in 'pgmigration-walfetch', 'pgmigration-walprefetch') {
        [IO.File]::Copy("$native/$program", "$data/pgmigration/bin/$program")
    }
    [IO.File]::WriteAllText("$data/standby.signal", '')
    [IO.File]::WriteAllText("$data/pgmigration/archive.json", (ConvertTo-JsonText $Access))
    $header = [IO.File]::ReadAllBytes("$work/plain/$First")[0..39]
    $major = [regex]::Match((& "$bin/postgres" --version), '\) (\d+)').Groups[1].Value
    $record = [ordered]@{
        SystemIdentifier = [BitConverter]::ToUInt64($header, 24)
        SegmentSize = [BitConverter]::ToUInt32($header, 32)
        MajorVersion = [int]$major
        StartSegment = $First
    }
    [IO.File]::WriteAllText("$data/pgmigration/restore.json", (ConvertTo-JsonText $record))
    $data
}

function Get-PrefetchStatus([string] $Data) {
    $file = "$Data/pgmigration/prefetch.status"
    if ([IO.File]::Exists($file)) {
        $text = [IO.File]::ReadAllText($file)
        @{ Id = [int]($text -replace '(?s)^.*"ProcessId": (\d+).*$', '$1'); Bytes = [long]($text -replace '(?s)^.*"PoolBytes": (\d+).*$', '$1'); State = $text -replace '(?s)^.*"State": "(\w+)".*$', '$1' }
    }
}

function Stop-Prefetcher([string] $Data) {
    $status = Get-PrefetchStatus $Data
    if ($status -and $status.State -ne 'Stopped') {
        kill -TERM $status.Id
        # its lock goes with it
        Wait-Until {
            try { [IO.File]::Open("$Data/pgmigration/prefetch.lock", 'OpenOrCreate', 'ReadWrite', 'None').Dispose(); $true }
            catch [IO.IOException] { $false }
        } 'the prefetcher ends'
    }
}

function Reset-Follower([string] $Data) {
    Stop-Prefetcher $Data
    foreach ($file in [IO.Directory]::GetFiles("$Data/pg_wal") + "$Data/pgmigration/placed.journal", "$Data/pgmigration/prefetch.status") { [IO.File]::Delete($file) }
    if ([IO.Directory]::Exists("$Data/pgmigration/pool")) { [IO.Directory]::Delete("$Data/pgmigration/pool", $true) }
}

function Wait-Until([scriptblock] $Holds, [string] $What) {
    $limit = [Diagnostics.Stopwatch]::StartNew()
    while (-not (& $Holds)) {
        if ($limit.Elapsed.TotalSeconds -gt 120) { throw "It did not come to that within 120 s: $What." }
        [Threading.Thread]::Sleep(20)
    }
}

$times = @{}
function Measure-Way([string] $Data, [string] $Label, [int] $First, [int] $Last, [string] $Command) {
    $env:WORK = $work; $env:DATA = $Data
    foreach ($line in (Invoke-AsServer bash "$work/harness.sh" $Label $First $Last $Command)) {
        $label, $micro, $user, $system = $line.Split(' ')
        if (-not $times[$label]) { $times[$label] = [Collections.Generic.List[object]]::new() }
        $times[$label].Add(@{ Milliseconds = [double]$micro / 1000; Cpu = 1000 * ([double]$user + [double]$system) })
    }
}

function Measure-Ours([string] $Data, [string] $Label) {
    $fetch = 'pgmigration/bin/pgmigration-walfetch SEG pg_wal/RECOVERYXLOG'
    Reset-Follower $Data
    Measure-Way $Data "$Label-cold" 0 0 $fetch
    Wait-Until { (Get-PrefetchStatus $Data).Bytes -eq ($Segments - 1) * 16MB } 'everything is fetched ahead'
    Measure-Way $Data "$Label-warm" 1 ($Segments - 1) $fetch
    Reset-Follower $Data
    Measure-Way $Data "$Label-catchup" 0 ($Segments - 1) $fetch
    Reset-Follower $Data
}

$script:stopServer = { }
$followers = @()
$s3 = $null
try {
    $pgbackrest = [bool](Find pgbackrest)
    $barman = [bool](Find barman-cloud-wal-restore)
    [IO.File]::WriteAllText("$work/harness.sh", $harness)
    $names = New-Wal
    $s3 = Start-S3
    $onDisk = @{ location = "file://$work/archive" }
    $inBucket = @{ location = 's3://bench/ours'; endpoint = $endpoint; region = 'us-east-1'; accessKeyId = 'S3RVER'; secretAccessKey = 'S3RVER' }
    $followers = @((New-Follower 'ours' $onDisk $names[0]), (New-Follower 'ours-s3' $inBucket $names[0]))

    Say 'Archiving it in each way'
    $env:AWS_ACCESS_KEY_ID = $env:AWS_SECRET_ACCESS_KEY = 'S3RVER'
    $env:AWS_DEFAULT_REGION = 'us-east-1'
    [IO.Directory]::CreateDirectory("$work/archive/wal_005") | Out-Null
    foreach ($name in $names) {
        foreach ($follower in $followers) { & "$native/pgmigration-walprefetch" push "$follower/pgmigration/archive.json" "$work/plain/$name" $name }
        if ($barman) { barman-cloud-wal-archive --gzip --endpoint-url $endpoint s3://bench/barman bench "$work/plain/$name" }
        if ($pgbackrest) { Invoke-AsServer pgbackrest --config="$work/pgbackrest.conf" --stanza=bench --no-archive-async archive-push "$work/plain/$name" }
    }

    $cp = "$work/cp"
    [IO.Directory]::CreateDirectory("$cp/pg_wal") | Out-Null
    # in the source's own directory: archive-get asks its pg_control whose WAL it is to get
    $get = "pgbackrest --config=$work/pgbackrest.conf --stanza=bench archive-get SEG pg_wal/RECOVERYXLOG"
    if ([Environment]::IsPrivilegedProcess) { chown -R postgres: $work }
    $env:HOME = $work
    for ($round = 1; $round -le $Rounds; $round++) {
        Say "Round $round of $Rounds"
        foreach ($file in [IO.Directory]::GetFiles("$cp/pg_wal")) { [IO.File]::Delete($file) }
        Measure-Way $cp 'cp' 0 ($Segments - 1) "cp $work/plain/SEG pg_wal/RECOVERYXLOG"
        Measure-Ours $followers[0] 'ours'
        Measure-Ours $followers[1] 'ours-s3'
        if ($pgbackrest) {
            foreach ($label in 'cold', 'catchup') {
                foreach ($file in [IO.Directory]::GetFiles("$work/source/pg_wal")) { [IO.File]::Delete($file) }
                if ([IO.Directory]::Exists("$work/spool")) { [IO.Directory]::Delete("$work/spool", $true) }
                Measure-Way "$work/source" "pgbackrest-$label" 0 ($label -eq 'cold' ? 0 : $Segments - 1) $get
                if ($label -eq 'cold') {
                    # its queue holds what it found; a segment beyond the last one leaves a file that says so
                    Wait-Until { @([IO.Directory]::GetFiles("$work/spool/archive/bench/in") -match '/[0-9A-F]{24}$').Count -ge $Segments - 2 } 'the queue of pgBackRest is filled'
                    Measure-Way "$work/source" 'pgbackrest-warm' 1 ($Segments - 2) $get
                }
                # the asynchronous process of one measurement must not work during the next one
                Wait-Until { -not [IO.Directory]::Exists("$work/lock") -or [IO.Directory]::GetFiles("$work/lock", '*.lock').Count -eq 0 } 'the asynchronous process of pgBackRest ends'
            }
        }
        if ($barman) { Measure-Way $cp 'barman' 0 1 "barman-cloud-wal-restore --endpoint-url $endpoint s3://bench/barman bench SEG pg_wal/RECOVERYXLOG" }
    }

    Say ''
    Say ('{0,-20} {1,9} {2,9} {3,9} {4,9} {5,6}' -f 'way', 'min ms', 'median', 'max', 'CPU ms', 'n')
    foreach ($label in 'cp', 'ours-warm', 'ours-s3-warm', 'pgbackrest-warm', 'barman', 'ours-cold', 'ours-s3-cold', 'pgbackrest-cold') {
        if ($times[$label]) {
            $all = [double[]]$times[$label].Milliseconds
            Say ('{0,-20} {1,9:0.00} {2,9:0.00} {3,9:0.00} {4,9:0.0} {5,6}' -f $label, [Linq.Enumerable]::Min($all), (Get-Median $all), [Linq.Enumerable]::Max($all), [Linq.Enumerable]::Average([double[]]$times[$label].Cpu), $all.Count)
        }
    }
    foreach ($label in 'cp-whole', 'ours-catchup-whole', 'ours-s3-catchup-whole', 'pgbackrest-catchup-whole') {
        if ($times[$label]) {
            $all = [double[]]$times[$label].Milliseconds
            Say ('{0,-25} {1,7:0.0} segments/s at best, {2,7:0.0} at the median, {3,7:0.0} at worst' -f $label, ($Segments * 1000 / [Linq.Enumerable]::Min($all)), ($Segments * 1000 / (Get-Median $all)), ($Segments * 1000 / [Linq.Enumerable]::Max($all)))
        }
    }

    $median = @{}
    foreach ($label in $times.Keys) { $median[$label] = Get-Median ([double[]]$times[$label].Milliseconds) }
    $number = { param($value, $digits) [Math]::Round($value, $digits).ToString([cultureinfo]::InvariantCulture) }
    "BENCH wal catchup $(& $number ($Segments * 1000 / $median['ours-catchup-whole']) 1) segments/s"
    "BENCH wal catchup_s3 $(& $number ($Segments * 1000 / $median['ours-s3-catchup-whole']) 1) segments/s"
    "BENCH wal warm_vs_cp $(& $number ($median['ours-warm'] / $median['cp']) 2) x"
    "BENCH wal cold_ms $(& $number $median['ours-cold'] 1) ms"
    "BENCH wal warm_ms $(& $number $median['ours-warm'] 1) ms"
    $pgbackrest ? "BENCH wal vs_pgbackrest $(& $number ($median['pgbackrest-warm'] / $median['ours-warm']) 2) x" : 'BENCH wal vs_pgbackrest not_installed'
    $barman ? "BENCH wal vs_barman $(& $number ($median['barman'] / $median['ours-s3-warm']) 2) x" : 'BENCH wal vs_barman not_installed'
}
finally {
    & $script:stopServer
    foreach ($follower in $followers) { Stop-Prefetcher $follower }
    if ($s3) { $s3.StandardInput.Close(); $s3.WaitForExit() }
    [IO.Directory]::Delete($work, $true)
}
exit 0
