using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace PgMigration.Loader;

/// <summary>
/// The module's own world: what lies in its folder is loaded from there, whatever versions the session already holds. Only the engine
/// (System.Management.Automation) and the framework are shared with the session, since they do not lie there. What was compiled for this
/// platform goes first; another platform runs the portable assembly beside it.
/// </summary>
/// <remarks>AWS.Tools brings AWSSDK.Core 3.7 into the session, other modules another Npgsql; the module needs its own of each.</remarks>
public sealed class ModuleLoadContext : AssemblyLoadContext
{
    private readonly string _folder;
#pragma warning disable IDE0052 // open for as long as the process lives
    private readonly FileStream? _hold;
#pragma warning restore IDE0052

    private ModuleLoadContext(string folder)
        : base(NameOf(folder))
    {
        _folder = folder;

        // builds remove old folders that nobody holds: an assembly is read when it is first needed, perhaps days from now
        string mark = Path.Combine(folder, InUseMark);
        _hold = File.Exists(mark) ? new FileStream(mark, FileMode.Open, FileAccess.Read, FileShare.Read) : null;
    }

    /// <summary>The file that each process keeps open in the folder that it loaded from.</summary>
    public static string InUseMark => "in-use";

    /// <summary>Loads an assembly of the module; the second call for the same folder yields the assembly that the first one loaded.</summary>
    /// <param name="folder">The folder of the module's binaries, absolute.</param>
    /// <param name="assemblyName">The assembly's simple name, such as <c>PgMigration.Cmdlets</c>.</param>
    public static Assembly Load(string folder, string assemblyName)
    {
        // Runspaces import at the same time (ForEach-Object -Parallel), and two contexts would be two worlds of types. Each import brings a
        // loader of its own, so the lock is an object that the process has once.
        lock (Default)
        {
            // by name, not by type: another loader's type is another type
            var context = All.FirstOrDefault(context => context.Name == NameOf(folder)) ?? new ModuleLoadContext(folder);
            return context.LoadFromAssemblyName(new AssemblyName(assemblyName));
        }
    }

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        string file = assemblyName.Name + ".dll";
        string[] places = [Path.Combine(_folder, "compiled", RuntimeInformation.RuntimeIdentifier, file), Path.Combine(_folder, file)];
        return Array.Find(places, File.Exists) is { } path ? LoadFromAssemblyPath(path) : null;
    }

    private static string NameOf(string folder) => $"PgMigration {folder}";
}
