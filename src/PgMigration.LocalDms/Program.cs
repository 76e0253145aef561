using System.Net;
using System.Runtime.InteropServices;
using PgMigration;
using PgMigration.LocalDms;

// One argument: the folder. What it is started with lies there, and so does all that must survive it.
if (args is not [var path])
{
    await Console.Error.WriteLineAsync("Usage: pgmigration-localdms <folder>. Start-LocalDms makes the folder and starts this program.");
    return 2;
}

OwnSession.Begin();
using var stage = BuildInUse.Hold();
var place = new LocalDmsFolder(Path.GetFullPath(path));
var folder = new StateFolder(place.Path);
using var hold = FolderLock.TryTake(folder["lock"]);
if (hold is null)
{
    await Console.Error.WriteLineAsync($"Another process holds {path}.");
    return 3;
}

if (place.ReadStart() is not { } options)
{
    await Console.Error.WriteLineAsync($"There is no {place.StartFile}.");
    return 2;
}

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);

var resources = new Resources(folder, new Arn(options.Region));
var signature = new Signature(new AccessKey(options.AccessKeyId, options.SecretAccessKey, options.SessionToken), options.Region);
using var service = new DmsService(options.Port, signature, new PlannedFaults(options.Faults), new Operations(resources), line => folder.Log("local-dms.log", line));
try
{
    service.Start();
}
catch (HttpListenerException error)
{
    await Console.Error.WriteLineAsync($"Port {options.Port} of 127.0.0.1 cannot be used: {error.Message}");
    return 4;
}

foreach (var task in resources.Tasks)
{
    task.TakeUp();
}

folder.Write("running.json", new LocalDmsProcess(Environment.ProcessId, options.Port));
await Console.Out.WriteLineAsync("READY"); // whoever started this waits for it, and closes its end
await service.RunAsync(stop.Token);
await Task.WhenAll(resources.Tasks.Select(task => task.EndAsync()));
return 0;

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
