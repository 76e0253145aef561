# Installs what a fresh machine lacks, and says so; without the right to, names the command.

function Find-Postgres {
    if ([IO.Directory]::Exists('/usr/lib/postgresql') -and [IO.Directory]::GetFiles('/usr/lib/postgresql', 'postgres', 'AllDirectories').Count -gt 0) { return $true }
    [bool](Find-Program postgres)
}

# Debian's package and, for other systems, what to look for. Building needs a linker for the native programs; servers are for tests and rehearsals, peers for benches.
function Get-MissingPackage([string] $For) {
    if ($IsLinux) {
        if (-not (Find-Program gcc) -and -not (Find-Program clang)) { 'gcc'; 'libc6-dev' }
        if (-not [IO.File]::Exists('/usr/include/zlib.h')) { 'zlib1g-dev' }
    }
    if ($For -in 'Servers', 'Peers') {
        if (-not (Find-Postgres)) { 'postgresql' }
        if (-not (Find-Program pgbouncer)) { 'pgbouncer' }
        if (-not (Find-Program npm)) { 'nodejs'; 'npm' }
        # what asks the local DMS, as a client that nobody here wrote
        if (-not (Find-Program aws)) { 'awscli' }
        # what the tests compress and encrypt with
        foreach ($program in @{ lz4 = 'lz4'; zstd = 'zstd'; brotli = 'brotli'; lzop = 'lzop'; xz = 'xz-utils'; gpg = 'gpg'; 'gpg-agent' = 'gpg-agent' }.GetEnumerator()) {
            if (-not (Find-Program $program.Key)) { $program.Value }
        }
    }
    if ($For -eq 'Peers') {
        # what the benches compare us with
        if (-not (Find-Program pgbackrest)) { 'pgbackrest' }
        if (-not (Find-Program barman-cloud-restore)) { 'barman-cli-cloud'; 'python3-boto3' }
        if (-not (Find-Program lz4)) { 'lz4' }
    }
}

function Install-Prerequisite([ValidateSet('Build', 'Servers', 'Peers')] [string] $For) {
    $missing = @(Get-MissingPackage $For)
    if ($missing) {
        $command = "apt-get install -y --no-install-recommends $missing"
        if (-not (Find-Program apt-get)) {
            throw "This machine lacks $($missing -join ', ') (names of Debian's packages). Install them with its own package manager, then run this again."
        }
        if (-not [Environment]::IsPrivilegedProcess) {
            throw "This machine lacks $($missing -join ', '). Run: sudo $command"
        }
        Say "Installing $($missing -join ', ')"
        $env:DEBIAN_FRONTEND = 'noninteractive'
        apt-get update -q
        apt-get install -y -q --no-install-recommends @missing
    }

    if ($For -in 'Servers', 'Peers') { Install-NodePackage }
}

# npm writes node_modules/.package-lock.json last: what is older than the lock file, or has none, is not what the lock file says
function Install-NodePackage {
    foreach ($lock in [IO.Directory]::GetFiles("$Root/tests", 'package-lock.json', [IO.EnumerationOptions]@{ RecurseSubdirectories = $true; MaxRecursionDepth = 1 })) {
        $folder = [IO.Path]::GetDirectoryName($lock)
        $installed = "$folder/node_modules/.package-lock.json"
        if (-not [IO.File]::Exists($installed) -or [IO.File]::GetLastWriteTimeUtc($installed) -lt [IO.File]::GetLastWriteTimeUtc($lock)) {
            Say "Installing npm packages into $([IO.Path]::GetRelativePath($Root, $folder))"
            npm ci --prefix $folder --no-audit --no-fund --silent
        }
    }
}
