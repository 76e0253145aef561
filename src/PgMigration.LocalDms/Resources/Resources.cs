using System.Collections.Concurrent;

namespace PgMigration.LocalDms;

/// <summary>What this process knows: instances, endpoints, connections and tasks; on disk before an answer speaks of it.</summary>
internal sealed class Resources
{
    private const string FileName = "resources.json";

    private readonly StateFolder _folder;
    private readonly ResourceRecords _records;
    private readonly ConcurrentDictionary<string, MigrationTask> _tasks = new(StringComparer.Ordinal);

    /// <summary>Reads what an earlier process left.</summary>
    /// <param name="folder">Where it lies.</param>
    /// <param name="arn">How new addresses are made.</param>
    public Resources(StateFolder folder, Arn arn)
    {
        _folder = folder;
        Arn = arn;
        _records = folder.Read<ResourceRecords>(FileName) ?? new ResourceRecords();
        foreach (string file in folder.TaskFiles.ToList())
        {
            var task = new MigrationTask(folder.Read<TaskRecord>(file)!, this, folder);
            _tasks[task.Record.Arn] = task;
        }
    }

    /// <summary>Held by every operation: they are short, and what takes long runs beside them.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Makes addresses.</summary>
    public Arn Arn { get; }

    /// <summary>The instances.</summary>
    public List<InstanceRecord> Instances => _records.Instances;

    /// <summary>The endpoints.</summary>
    public List<EndpointRecord> Endpoints => _records.Endpoints;

    /// <summary>The tests of connections.</summary>
    public List<ConnectionRecord> Connections => _records.Connections;

    /// <summary>The tasks, oldest first.</summary>
    public IReadOnlyList<MigrationTask> Tasks => [.. _tasks.Values.OrderBy(task => task.Record.Created)];

    /// <summary>The instance of this address.</summary>
    /// <exception cref="Fault">ResourceNotFoundFault.</exception>
    public InstanceRecord Instance(string? arn) => Instances.Find(instance => instance.Arn == arn) ?? throw Fault.NotFound($"Replication instance '{arn}' not found.");

    /// <summary>The endpoint of this address.</summary>
    /// <exception cref="Fault">ResourceNotFoundFault.</exception>
    public EndpointRecord Endpoint(string? arn) => Endpoints.Find(endpoint => endpoint.Arn == arn) ?? throw Fault.NotFound($"Endpoint '{arn}' not found.");

    /// <summary>Puts instances, endpoints and connections on disk.</summary>
    public void Save() => _folder.Write(FileName, _records);

    /// <summary>Adds a task.</summary>
    public MigrationTask Add(TaskRecord record)
    {
        var task = new MigrationTask(record, this, _folder);
        task.Save();
        _tasks[record.Arn] = task;
        return task;
    }

    /// <summary>Forgets a task.</summary>
    public void Remove(MigrationTask task) => _tasks.TryRemove(task.Record.Arn, out _);
}
