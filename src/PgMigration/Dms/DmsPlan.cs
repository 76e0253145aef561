using System.Globalization;

namespace PgMigration;

/// <summary>What a replication by DMS will make, with the tables of each task: read from both servers, nothing made yet.</summary>
public sealed class DmsPlan
{
    internal DmsPlan(string name, IReadOnlyList<IReadOnlyList<DmsTable>> parts, DmsLobs lobs, DmsReplicationOptions options, IReadOnlyList<DmsPlanRow> rows)
    {
        Name = name;
        Parts = parts;
        Lobs = lobs;
        Options = options;
        Rows = rows;
    }

    /// <summary>The begin of all names.</summary>
    public string Name { get; }

    /// <summary>The tables of each task.</summary>
    public IReadOnlyList<IReadOnlyList<DmsTable>> Parts { get; }

    /// <summary>The largest LOB, and where.</summary>
    public DmsLobs Lobs { get; }

    /// <summary>What is made or used, in order.</summary>
    public IReadOnlyList<DmsPlanRow> Rows { get; }

    internal DmsReplicationOptions Options { get; }

    internal string InstanceName => Options.ReplicationInstance ?? Name;

    internal string SourceEndpoint => $"{Name}-source";

    internal string TargetEndpoint => $"{Name}-target";

    internal string TaskName(int place) => string.Create(CultureInfo.InvariantCulture, $"{Name}-{place + 1}");

    internal string Mappings(int place) => DmsTableMappings.For(Parts[place], DmsHeartbeat.TableOf(TaskName(place)));

    internal string Settings => DmsTaskSettings.For(Lobs, Options);
}
