# A cluster with what real ones have: a few large tables, text and random bytes, and many small ones.

# Runs a program of PostgreSQL, which refuses to run as root.
function Invoke-Postgres([string] $Program, [string[]] $Words) {
    $path = "$script:PostgresBin/$Program"
    if ([Environment]::IsPrivilegedProcess) { & runuser -u postgres -- $path @Words } else { & $path @Words }
}

function New-BenchCluster([string] $Folder, [long] $Size) {
    $script:PostgresBin = "$(& pg_config --bindir)"
    $data = "$Folder/data"
    $port = Get-FreePort
    & mkdir -p $data
    if ([Environment]::IsPrivilegedProcess) { & chown postgres $data }
    $null = Invoke-Postgres initdb "--pgdata=$data", '--username=postgres', '--auth=trust', '--data-checksums', '--no-sync'
    [IO.File]::AppendAllLines("$data/postgresql.conf", [string[]]@(
            "port = $port", "listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", 'fsync = off', 'max_wal_size = 8GB', 'archive_mode = on', "archive_command = 'true'"))
    $null = Invoke-Postgres pg_ctl 'start', "--pgdata=$data", "--log=$data/server.log", '--wait', '--silent'

    # a third each: text that compresses well, rows as apps have them, bytes that do not compress; and 1500 small tables
    $third = [long]($Size / 3)
    $sql = @"
CREATE TABLE events AS SELECT i AS id, now() - i * interval '1 s' AS at, repeat(md5((i % 1000)::text), 6) AS body FROM generate_series(1, $([long]($third / 250))) i;
CREATE TABLE orders AS SELECT i AS id, i % 5000 AS customer, md5(i::text) AS reference, (i % 9973 * 7919 % 100000)::numeric / 100 AS amount FROM generate_series(1, $([long]($third / 120))) i;
CREATE INDEX ON orders (id);
CREATE TABLE blobs AS SELECT i AS id, decode(string_agg(md5(i::text || j::text), ''), 'hex') AS body FROM generate_series(1, $([long]($third / 1700))) i, generate_series(1, 100) j GROUP BY i;
DO `$`$ BEGIN FOR i IN 1..1500 LOOP
    EXECUTE format('CREATE TABLE small_%s AS SELECT g AS id, md5(g::text) AS name FROM generate_series(1, %s) g', i, i % 400);
    IF i % 100 = 0 THEN COMMIT; END IF;
END LOOP; END `$`$;
CHECKPOINT;
"@
    [IO.File]::WriteAllText("$Folder/fill.sql", $sql)
    & "$script:PostgresBin/psql" --host=127.0.0.1 --port=$port --username=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "--file=$Folder/fill.sql" postgres
    [pscustomobject]@{ Data = $data; Port = $port; Bin = $script:PostgresBin }
}

function Stop-BenchCluster($Cluster) {
    if ([IO.File]::Exists("$($Cluster.Data)/postmaster.pid")) {
        $null = Invoke-Postgres pg_ctl 'stop', "--pgdata=$($Cluster.Data)", '--mode=fast', '--silent'
    }
}

function Get-FreePort {
    $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $listener.Start()
    $listener.LocalEndpoint.Port
    $listener.Stop()
}

# s3rver, as in the tests; it ends when its standard input does
function Start-BenchS3([string] $Folder) {
    $null = [IO.Directory]::CreateDirectory($Folder)
    $start = [Diagnostics.ProcessStartInfo]::new('node', [string[]]@('s3.js', $Folder, 'bench'))
    $start.WorkingDirectory = "$Root/tests/node"
    $start.RedirectStandardInput = $start.RedirectStandardOutput = $true
    $process = [Diagnostics.Process]::Start($start)
    $port = $process.StandardOutput.ReadLine()
    if (-not $port) { throw 's3rver did not start.' }
    [pscustomobject]@{ Process = $process; Endpoint = "http://127.0.0.1:$port"; Folder = $Folder }
}

function Stop-BenchS3($S3) {
    $S3.Process.StandardInput.Close()
    $S3.Process.WaitForExit()
}
