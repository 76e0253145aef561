# A PostgreSQL server for the suites, made and started by the module itself: dot-source this file in BeforeAll, with the module imported.
# Whoever starts one stops it, with its folder, in AfterAll.

function Test-LocalPostgres {
    if (-not $IsLinux) { return $false }
    try { [bool][PgMigration.PostgresBinaries]::Find([NullString]::Value, $null) } catch { $false }
}

# Returns the server's folder, its superuser's address without a database, and what stops it.
function Start-LocalPostgres {
    $none = [Threading.CancellationToken]::None
    $port = [PgMigration.LoopbackPort]::Free()
    $folder = "/tmp/pgm-p$port"
    $server = [PgMigration.LocalServer]::new([PgMigration.PostgresBinaries]::Find([NullString]::Value, $null), "$folder/data", [PgMigration.OSUser]::Default)
    [Diagnostics.Process]::Start($server.User.Command('mkdir', [string[]]('-m', '0700', $folder))).WaitForExit()
    $null = $server.InitializeAsync('postgres', $none, [string[]]@()).GetAwaiter().GetResult()
    [IO.File]::AppendAllText("$folder/data/postgresql.conf", "listen_addresses = '127.0.0.1'`nport = $port`nunix_socket_directories = '$folder'`nfsync = off`nwal_level = logical`n")
    $null = $server.StartAsync($true, $none).GetAwaiter().GetResult()
    [pscustomobject]@{ Folder = $folder; Port = $port; Address = "postgres://postgres@127.0.0.1:$port"; Server = $server }
}

function Stop-LocalPostgres($Postgres) {
    if (-not $Postgres) { return }
    $null = $Postgres.Server.StopAsync('immediate', [Threading.CancellationToken]::None).GetAwaiter().GetResult()
    Remove-Item $Postgres.Folder -Recurse -Force
}

# Runs statements on a server, and returns the first value of the last one that returns any.
function Invoke-Sql([string] $Address, [string] $Statement) {
    $session = [PgMigration.PgServer]::Parse($Address).ConnectAsync([Threading.CancellationToken]::None).GetAwaiter().GetResult()
    try {
        $command = $session.CreateCommand()
        $command.CommandText = $Statement
        $command.ExecuteScalar()
    }
    finally {
        $session.Dispose()
    }
}
