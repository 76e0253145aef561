# Each build goes into a folder of its own, bin/module/<stamp>/, and bin/module/current names the newest: a build never writes over what
# a session has loaded, and a session never runs half of one build and half of another.

$Stages = "$Root/bin/module"
$StagesKept = 3

function New-Stage {
    Say 'Building'
    Invoke-Dotnet build "$Root/src/PgMigration.Cmdlets" -c Release -v quiet -nologo
    Invoke-Dotnet build "$Root/src/PgMigration.Loader" -c Release -v quiet -nologo
    Invoke-Dotnet build "$Root/src/PgMigration.LocalDms" -c Release -v quiet -nologo
    Invoke-Dotnet build "$Root/build/HelpWriter" -c Release -v quiet -nologo
    $programs = Get-NativeProgram

    $stamp = [DateTime]::UtcNow.ToString('yyyyMMdd-HHmmss-fff', [cultureinfo]::InvariantCulture)
    $stage = "$Stages/$stamp"
    $null = [IO.Directory]::CreateDirectory($stage)
    foreach ($project in 'PgMigration.Cmdlets', 'PgMigration.Loader') {
        Copy-Folder "$Root/src/$project/bin/Release/net10.0" $stage { param($file) $file -notmatch '\.xml$|\.deps\.json$|[\\/]runtimes[\\/](android|ios|tvos|maccatalyst)' }
    }
    Set-AssemblyNumber "$stage/PgMigration.Cmdlets.dll"
    # a program that runs on the module's own libraries: without a list of them (deps.json) the host takes those beside it
    foreach ($file in 'pgmigration-localdms.dll', 'pgmigration-localdms.runtimeconfig.json') {
        [IO.File]::Copy("$Root/src/PgMigration.LocalDms/bin/Release/net10.0/$file", "$stage/$file")
    }
    if ($programs) { Copy-Folder $programs "$stage/native" }
    Add-CompiledAssembly $stage
    [IO.File]::WriteAllText("$stage/in-use", '')
    Invoke-Dotnet "$Root/build/HelpWriter/bin/Release/net10.0/helpwriter.dll" "$stage/PgMigration.Cmdlets.dll" "$Root/src/PgMigration.Cmdlets/bin/Release/net10.0/PgMigration.Cmdlets.xml" "$stage/en-US"

    # by rename: whoever imports meanwhile reads the old name or the new one
    [IO.File]::WriteAllText("$Stages/current.new", $stamp)
    [IO.File]::Move("$Stages/current.new", "$Stages/current", $true)
    Remove-OldStage
    Say "Built bin/module/$stamp"
    $stage
}

# The programs beside a restored server, compiled to native code; $null where that is not Linux. Linking takes a minute, so what has
# been linked from the same sources is kept.
function Get-NativeProgram {
    if (-not $IsLinux) {
        Say 'Skipping the native programs: restoring, which needs them, runs on Linux only.'
        return
    }

    $rid = [Runtime.InteropServices.RuntimeInformation]::RuntimeIdentifier
    $folder = "$Root/bin/native/$(Get-NativeInputHash $rid)"
    if (-not [IO.Directory]::Exists($folder)) {
        Say 'Compiling the native programs'
        $unfinished = "$folder.$PID"
        foreach ($project in 'PgMigration.WalFetch', 'PgMigration.WalPrefetch') {
            Invoke-Dotnet publish "$Root/src/$project" -c Release -r $rid -v quiet -nologo -o $unfinished
        }
        foreach ($file in [IO.Directory]::GetFiles($unfinished)) {
            if ($file -match '\.(dbg|xml|pdb)$') { [IO.File]::Delete($file) }
        }
        foreach ($old in [IO.Directory]::GetDirectories("$Root/bin/native")) {
            if ($old -ne $unfinished) { [IO.Directory]::Delete($old, $true) }
        }
        [IO.Directory]::Move($unfinished, $folder)
    }
    $folder
}

function Get-NativeInputHash([string] $Rid) {
    $inputs = @(
        foreach ($project in 'PgMigration.Wal', 'PgMigration.WalFetch', 'PgMigration.WalPrefetch') {
            [IO.Directory]::GetFiles("$Root/src/$project", '*', 'AllDirectories') -match '\.(cs|csproj|json)$' -notmatch '[\\/](bin|obj)[\\/]'
        }
        [IO.Directory]::GetFiles($Root, 'Directory.*')
    ) | Where-Object { $_ }
    [array]::Sort($inputs, [StringComparer]::Ordinal)

    $hash = [Security.Cryptography.IncrementalHash]::CreateHash('SHA256')
    $hash.AppendData([Text.Encoding]::UTF8.GetBytes("$Rid $(dotnet --version)"))
    foreach ($file in $inputs) {
        $hash.AppendData([Text.Encoding]::UTF8.GetBytes([IO.Path]::GetRelativePath($Root, $file)))
        $hash.AppendData([IO.File]::ReadAllBytes($file))
    }
    [Convert]::ToHexString($hash.GetHashAndReset()).Substring(0, 16)
}

# For as long as a process lives the engine keeps what it learnt of a cmdlet's parameters under the full name of its type, version included:
# a session that has used one build could not use the next. So each gets numbers of its own behind the version, by the day and the second.
function Set-AssemblyNumber([string] $File, [DateTime] $At = [DateTime]::UtcNow) {
    $bytes = [IO.File]::ReadAllBytes($File)
    $image = [Reflection.PortableExecutable.PEReader]::new([Collections.Immutable.ImmutableArray]::Create($bytes))
    $metadata = [Reflection.Metadata.PEReaderExtensions]::GetMetadataReader($image)
    $row = $image.PEHeaders.MetadataStartOffset + [Reflection.Metadata.Ecma335.MetadataReaderExtensions]::GetTableMetadataOffset($metadata, 'Assembly')
    # ECMA-335, II.22.2: behind the hash algorithm four numbers of two bytes
    [BitConverter]::GetBytes([uint16]($At - [DateTime]::UnixEpoch).Days).CopyTo($bytes, $row + 8)
    [BitConverter]::GetBytes([uint16][Math]::Floor($At.TimeOfDay.TotalSeconds / 2)).CopyTo($bytes, $row + 10)
    [IO.File]::WriteAllBytes($File, $bytes)
}

# What runs while an app waits, compiled for this platform, in a folder of its name beside the portable assemblies: the loader takes it where
# it fits. Only speed depends on it, so where the compiler's package cannot be had the build goes on.
function Add-CompiledAssembly([string] $Stage) {
    $rid = [Runtime.InteropServices.RuntimeInformation]::RuntimeIdentifier
    $output = "$Root/build/Precompile/bin/published"
    try {
        Invoke-Dotnet publish "$Root/build/Precompile" -c Release -r $rid -v quiet -nologo "-p:From=$Stage" -o $output
        foreach ($name in 'PgMigration.dll', 'Npgsql.dll') {
            $null = [IO.Directory]::CreateDirectory("$Stage/compiled/$rid")
            [IO.File]::Copy("$output/$name", "$Stage/compiled/$rid/$name")
        }
    }
    catch {
        Say "Nothing is compiled for $rid, so a console that was just opened is slower: $_"
    }
}

# Sessions hold the file in-use of the build that they loaded, which may be days old; the next build tries again.
function Remove-OldStage {
    $old = [IO.Directory]::GetDirectories($Stages)
    [array]::Sort($old, [StringComparer]::Ordinal)
    for ($i = 0; $i -lt $old.Count - $StagesKept; $i++) {
        try {
            $mark = "$($old[$i])/in-use"
            if ([IO.File]::Exists($mark)) { [IO.File]::Open($mark, 'Open', 'ReadWrite', 'None').Dispose() }
            [IO.Directory]::Delete($old[$i], $true)
        }
        catch [IO.IOException], [UnauthorizedAccessException] { }
    }
}

function New-Package([string] $Stage) {
    $version = (Import-PowerShellDataFileText "$Root/PgMigration.psd1").ModuleVersion
    $package = "$Root/out/PgMigration/$version"
    if ([IO.Directory]::Exists($package)) { [IO.Directory]::Delete($package, $true) }
    Copy-Folder "$Root/module" "$package/module"
    Copy-Folder $Stage "$package/bin/module/$version"
    Copy-Folder "$Stage/en-US" "$package/en-US"
    [IO.File]::WriteAllText("$package/bin/module/current", $version)
    foreach ($file in 'PgMigration.psd1', 'LICENSE', 'README.md', 'CHANGELOG.md') {
        if ([IO.File]::Exists("$Root/$file")) { [IO.File]::Copy("$Root/$file", "$package/$file") }
    }
    Say "Packed out/PgMigration/$version"
}

# a manifest is data: its own parser says so, and nothing in it is run
function Import-PowerShellDataFileText([string] $Path) {
    [Management.Automation.Language.Parser]::ParseFile($Path, [ref]$null, [ref]$null).Find({ $args[0] -is [Management.Automation.Language.HashtableAst] }, $false).SafeGetValue()
}

function Copy-Folder([string] $From, [string] $To, [scriptblock] $Where = { $true }) {
    foreach ($file in [IO.Directory]::GetFiles($From, '*', 'AllDirectories')) {
        if (& $Where $file) {
            $copy = [IO.Path]::Combine($To, [IO.Path]::GetRelativePath($From, $file))
            $null = [IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($copy))
            [IO.File]::Copy($file, $copy, $true)
        }
    }
}
