# Imports the test cmdlets in the way in which the module imports its own.
param([string] $Folder)
$loader = [Runtime.Loader.AssemblyLoadContext]::new("PgMigration.Loader $Folder").
    LoadFromAssemblyPath([IO.Path]::Combine($Folder, 'PgMigration.Loader.dll')).
    GetType('PgMigration.Loader.ModuleLoadContext')
foreach ($name in 'PgMigration', 'PgMigration.Cmdlets', 'PgMigration.TestCmdlets') {
    Import-Module -Assembly $loader::Load($Folder, $name) -Global
}
