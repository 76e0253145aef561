using System.Reflection;
using System.Runtime.Loader;

namespace PgMigration.Cmdlets.Tests;

/// <summary>A session that already holds other versions of the module's libraries imports and runs it unharmed.</summary>
public sealed class ModuleIsolationTests
{
    [Fact]
    public void With_another_AWSSDK_and_another_Npgsql_in_the_session_the_module_runs_on_its_own()
    {
        // what AWS.Tools and another PostgreSQL module leave in the default context
        var foreignAws = AssemblyLoadContext.Default.LoadFromAssemblyPath(Checkout.PackageAssembly("AWSSDK.Core", "3.7.402", "net8.0"));
        var foreignNpgsql = AssemblyLoadContext.Default.LoadFromAssemblyPath(Checkout.PackageAssembly("Npgsql", "9.0.3", "net8.0"));
        Assert.Equal((3, 9), (foreignAws.GetName().Version!.Major, foreignNpgsql.GetName().Version!.Major));

        using var engine = HostedEngine.WithModule();

        // both of ours at work: a server that nobody listens for, and a bucket of a service that nobody runs
        var noServer = engine.Fails("[PgMigration.PgServer]::Parse('postgres://app@127.0.0.1:9/app').ConnectAsync().GetAwaiter().GetResult()");
        Assert.Contains("127.0.0.1", noServer.Exception.ToString(), StringComparison.Ordinal);
        var noBucket = engine.Fails("Get-WalBackup 's3://bucket/prefix?endpoint=http://127.0.0.1:9&region=eu-west-1'");
        Assert.EndsWith("PgMigration.Cmdlets.GetWalBackupCommand", noBucket.FullyQualifiedErrorId, StringComparison.Ordinal);

        Assert.Equal([10], VersionsBesideTheDefault("Npgsql"));
        Assert.Equal([4], VersionsBesideTheDefault("AWSSDK.Core"));
        Assert.Equal(typeof(System.Management.Automation.PowerShell).Assembly,
            Assert.Single(AppDomain.CurrentDomain.GetAssemblies(), assembly => assembly.GetName().Name == "System.Management.Automation"));
    }

    private static IEnumerable<int> VersionsBesideTheDefault(string name) => AssemblyLoadContext.All
        .Where(context => context.Name?.StartsWith($"PgMigration {Checkout.Root}{Path.DirectorySeparatorChar}bin", StringComparison.Ordinal) == true)
        .SelectMany(context => context.Assemblies)
        .Select(assembly => assembly.GetName())
        .Where(found => found.Name == name)
        .Select(found => found.Version!.Major);
}
