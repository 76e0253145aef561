# Who takes part: each with its backup of the same cluster made, the folder that holds it, and the shell's words that restore it into $1.

function Build-Runner {
    Invoke-Dotnet build "$Root/tests/PgMigration.RestoreRunner" -c Release -v quiet -nologo
    "$Root/tests/PgMigration.RestoreRunner/bin/Release/net10.0/PgMigration.RestoreRunner.dll"
}

# Words for a shell, quoted.
function Join-Word([string[]] $Words) { ($Words.ForEach{ "'" + $_.Replace("'", "'\''") + "'" }) -join ' ' }

function New-Contender([string] $Folder, $Cluster, [string] $Runner, $S3) {
    $data = $Cluster.Data
    $env:AWS_ENDPOINT_URL = $S3.Endpoint
    $env:AWS_ACCESS_KEY_ID = $env:AWS_SECRET_ACCESS_KEY = 'S3RVER'
    $env:AWS_REGION = $env:AWS_DEFAULT_REGION = 'us-east-1'

    $null = [IO.Directory]::CreateDirectory("$Folder/wal-g")
    $name = & dotnet $Runner backup "$Folder/wal-g" $data $Cluster.Port 256
    $nameS3 = & dotnet $Runner backup 's3://bench/wal-g' $data $Cluster.Port 256
    & barman-cloud-backup --endpoint-url $S3.Endpoint --host 127.0.0.1 --port $Cluster.Port --user postgres --immediate-checkpoint --name bench 's3://bench/barman' main
    Stop-BenchCluster $Cluster

    $repository = "$Folder/pgbackrest"
    $null = [IO.Directory]::CreateDirectory($repository)
    [IO.File]::WriteAllLines("$Folder/pgbackrest.conf", [string[]]@(
            '[global]', "repo1-path=$repository", "lock-path=$Folder", "log-path=$Folder", 'log-level-console=error', 'log-level-file=off', 'compress-type=lz4', 'process-max=2'
            'repo1-retention-full=1', '[main]', "pg1-path=$data"))
    $options = "--config=$Folder/pgbackrest.conf", '--stanza=main'
    & pgbackrest @options '--no-online' stanza-create
    & pgbackrest @options '--no-online' '--type=full' backup
    & bash -c (('tar --create --directory ' + (Join-Word $data) + ' . | lz4 -q -1 > ') + (Join-Word "$Folder/base.tar.lz4"))

    # the target is the shell's first argument
    [pscustomobject]@{ Name = 'ours'; Source = "$Folder/wal-g"; Restore = "dotnet $(Join-Word $Runner, 'load', "$Folder/wal-g", $name) `"`$1`"" }
    [pscustomobject]@{ Name = 'ours_s3'; Source = $S3.Folder; Restore = "dotnet $(Join-Word $Runner, 'load', 's3://bench/wal-g', $nameS3) `"`$1`"" }
    [pscustomobject]@{ Name = 'pgbackrest'; Source = $repository; Restore = "mkdir -m 0700 `"`$1`" && pgbackrest $(Join-Word $options) `"--pg1-path=`$1`" restore" }
    [pscustomobject]@{ Name = 'barman'; Source = $S3.Folder; Restore = "barman-cloud-restore $(Join-Word '--endpoint-url', $S3.Endpoint, 's3://bench/barman', 'main', 'bench') `"`$1`"" }
    [pscustomobject]@{ Name = 'lz4_tar'; Source = "$Folder/base.tar.lz4"; Restore = "mkdir `"`$1`" && lz4 -dcq $(Join-Word "$Folder/base.tar.lz4") | tar --extract --directory `"`$1`"" }
    [pscustomobject]@{ Name = 'cp'; Source = $data; Restore = "cp -a $(Join-Word $data) `"`$1`"" }
}
