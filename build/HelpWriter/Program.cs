using System.Management.Automation;
using System.Runtime.Loader;
using System.Xml.Linq;
using PgMigration.HelpWriter;

// helpwriter <PgMigration.Cmdlets.dll> <PgMigration.Cmdlets.xml> <folder for the help file>
string assemblyPath = Path.GetFullPath(args[0]);
var documentation = new Documentation(XDocument.Load(args[1]));
string folder = args[2];

AssemblyLoadContext.Default.Resolving += (context, name) =>
    Path.Combine(Path.GetDirectoryName(assemblyPath)!, name.Name + ".dll") is var path && File.Exists(path) ? context.LoadFromAssemblyPath(path) : null;
var cmdlets = AssemblyLoadContext.Default.LoadFromAssemblyPath(assemblyPath).GetExportedTypes()
    .Where(type => type.IsDefined(typeof(CmdletAttribute), inherit: false))
    .OrderBy(type => type.Name, StringComparer.Ordinal);

Directory.CreateDirectory(folder);
new XDocument(Maml.HelpItems(cmdlets.Select(type => new CmdletHelp(type, documentation).ToMaml())))
    .Save(Path.Combine(folder, Path.GetFileName(assemblyPath) + "-Help.xml"));
