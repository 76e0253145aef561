# Loads the module's binaries into a context of their own, so that neither the session's libraries nor ours disturb the other.
# Only the language and the engine's own commands are used here: the module is also imported where no pwsh is installed.
$ErrorActionPreference = 'Stop'

$root = [IO.Path]::GetDirectoryName($PSScriptRoot)
$stages = [IO.Path]::Combine($root, 'bin', 'module')
$pointer = [IO.Path]::Combine($stages, 'current')
if (-not [IO.File]::Exists($pointer)) {
    throw [IO.FileNotFoundException]::new("PgMigration has not been built: $pointer does not exist. Build it with '$([IO.Path]::Combine($root, 'build.ps1'))', or, where no pwsh is installed, with 'dotnet run --project src/PgMigration.Shell -- build.ps1' in $root.")
}

# The engine refuses a second cmdlet of the same name in its own words, and would keep what it learnt of the first one's parameters.
foreach ($loaded in Get-Module PgMigration) {
    if ($loaded.ModuleBase -ne $root) {
        throw [InvalidOperationException]::new("PgMigration is imported in this session already, from $($loaded.ModuleBase), and a session can hold one copy only. Open a new session for the one in $root.")
    }
}

# Each build has a folder of its own, so that it never writes over what a session has loaded.
$stage = [IO.Path]::Combine($stages, [IO.File]::ReadAllText($pointer).Trim())
$loader = [Runtime.Loader.AssemblyLoadContext]::new("PgMigration.Loader $stage").
    LoadFromAssemblyPath([IO.Path]::Combine($stage, 'PgMigration.Loader.dll')).
    GetType('PgMigration.Loader.ModuleLoadContext')

# The engine resolves [PgMigration.PgServer] only in assemblies that were imported themselves.
$imported = foreach ($name in 'PgMigration.Wal', 'PgMigration', 'PgMigration.Cmdlets') {
    Import-Module -Assembly $loader::Load($stage, $name) -PassThru
}

# What stayed behind would make the next import export nothing.
$ExecutionContext.SessionState.Module.OnRemove = { $imported | Remove-Module -Force }
Export-ModuleMember -Cmdlet *
